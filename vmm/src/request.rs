//! A request, as a guest's descriptors say (VIRTIO 1.2, sections 2.7.4 "Message Framing" and 5.19.6
//! "Driver Operations"): 4 bytes that the device reads, and 4 that it writes.

use virtio_queue::DescriptorChain;
use vm_memory::{Address, Bytes, GuestAddress, GuestMemory, Permissions};

/// Bytes of a request, and of its answer.
const WORD: usize = 4;
/// The type of the only request that there is.
const FLUSH: u32 = 0;
/// Descriptors that are looked at: twice as many as a request has where each has one byte.
pub(crate) const DESCRIPTORS: usize = 16;

/// What a chain asks, and where the answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// The descriptor that it begins with.
    pub(crate) head: u16,
    /// Whether it is a FLUSH, and well-formed.
    pub(crate) is_flush: bool,
    /// Where the answer goes, if there is a place for it.
    pub(crate) answer: Option<Word>,
}

/// Where the bytes of a word are: each somewhere, as it may be spread over descriptors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word([GuestAddress; WORD]);

/// The bytes of descriptors of one direction.
#[derive(Debug, Default)]
struct Part {
    first: [GuestAddress; WORD],
    len: u64,
    /// A byte is past the top of the address space.
    wraps: bool,
}

impl Request {
    /// Reads no more than [`DESCRIPTORS`] of the chain's, each once, and each byte of the request
    /// once: what the guest changes meanwhile changes nothing that was checked.
    pub(crate) fn read<M: GuestMemory>(chain: DescriptorChain<&M>, memory: &M) -> Self {
        let head = chain.head_index();
        let (mut request, mut answer) = (Part::default(), Part::default());
        let (mut in_order, mut ends) = (true, false);
        for descriptor in chain.take(DESCRIPTORS) {
            // One that breaks off was cut short: by a loop, an index or an address that is none.
            ends = !descriptor.has_next();
            if descriptor.is_write_only() {
                answer.add(descriptor.addr(), descriptor.len());
            } else {
                in_order &= answer.len == 0;
                request.add(descriptor.addr(), descriptor.len());
            }
        }
        let word = request.word().filter(|_| request.len == WORD as u64);
        let kind = word.and_then(|word| word.read(memory));
        Self {
            head,
            is_flush: in_order && ends && kind == Some(FLUSH),
            answer: answer.word().filter(|word| word.is_writable(memory)),
        }
    }
}

impl Part {
    fn add(&mut self, address: GuestAddress, len: u32) {
        for offset in 0..u64::from(len) {
            let Some(place) = usize::try_from(self.len + offset)
                .ok()
                .and_then(|index| self.first.get_mut(index))
            else {
                break;
            };
            match address.checked_add(offset) {
                Some(address) => *place = address,
                None => self.wraps = true,
            }
        }
        self.len += u64::from(len);
    }

    /// The first word.
    fn word(&self) -> Option<Word> {
        (self.len >= WORD as u64 && !self.wraps).then_some(Word(self.first))
    }
}

impl Word {
    fn is_writable<M: GuestMemory>(&self, memory: &M) -> bool {
        let mut addresses = self.0.iter();
        addresses.all(|&address| memory.check_range(address, 1, Permissions::Write))
    }

    /// Its value, if all of it is in memory.
    fn read<M: GuestMemory>(&self, memory: &M) -> Option<u32> {
        let mut bytes = [0; WORD];
        if self.is_contiguous() {
            memory.read_slice(&mut bytes, self.0[0]).ok()?;
        } else {
            for (byte, address) in bytes.iter_mut().zip(self.0) {
                *byte = memory.read_obj(address).ok()?;
            }
        }
        Some(u32::from_le_bytes(bytes))
    }

    /// Writes a value. Whether that could be done.
    pub(crate) fn write<M: GuestMemory>(&self, memory: &M, value: u32) -> bool {
        let bytes = value.to_le_bytes();
        if self.is_contiguous() {
            return memory.write_slice(&bytes, self.0[0]).is_ok();
        }
        let mut all = bytes.into_iter().zip(self.0);
        all.all(|(byte, address)| memory.write_obj(byte, address).is_ok())
    }

    fn is_contiguous(&self) -> bool {
        let mut pairs = self.0.windows(2);
        pairs.all(|pair| pair[0].checked_add(1) == Some(pair[1]))
    }
}
