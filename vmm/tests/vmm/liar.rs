//! A guest that writes its queue by hand, and the device's answer to it.

use std::cell::Cell;

use kpmem_vmm::{Device, DeviceError, Done};
use virtio_queue::Queue;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::{
    model::Rings,
    trial::{content, fill, queue, ram},
};

pub const NEXT: u16 = 1;
pub const WRITE: u16 = 2;
pub const INDIRECT: u16 = 4;

pub const RINGS: Rings = Rings {
    size: 16,
    descriptors: 0,
    available: 0x200,
    used: 0x300,
    next_available: 0,
    next_used: 0,
};
/// Where requests and answers are, and a type that there is not.
pub const REQUEST: u64 = 0x400;
pub const ANSWER: u64 = 0x500;
pub const STRANGE: u64 = 0x408;
pub const TABLE: u64 = 0x1000;
/// Between the second region and the third.
pub const HOLE: u64 = 0x2000;
/// What an answer holds before there is one.
pub const BLANK: u8 = 0x55;

pub type Descriptor = (u64, u32, u16, u16);

pub const ASK: Descriptor = (REQUEST, 4, NEXT, 1);
pub const TELL: Descriptor = (ANSWER, 4, WRITE, 0);

/// A guest and its device, which counts syncs.
pub struct Guest {
    pub ram: GuestMemoryMmap,
    pub queue: Queue,
}

impl Guest {
    pub fn new() -> Self {
        let guest = Self {
            ram: ram(),
            queue: queue(&RINGS),
        };
        let mut bytes = content(&guest.ram);
        bytes[ANSWER as usize..][..0x40].fill(BLANK);
        bytes[STRANGE as usize] = 1;
        fill(&guest.ram, &bytes);
        guest
    }

    pub fn put<T: vm_memory::ByteValued>(&self, value: T, at: u64) {
        self.ram.write_obj(value, GuestAddress(at)).unwrap();
    }

    pub fn table(&self, at: u64, descriptors: &[Descriptor]) {
        for (index, (address, len, flags, next)) in (0..).zip(descriptors) {
            let at = at + 16 * index;
            self.put(*address, at);
            self.put(*len, at + 8);
            self.put(*flags, at + 12);
            self.put(*next, at + 14);
        }
    }

    /// Chains that begin with these descriptors are there to be taken.
    pub fn offers(&self, heads: &[u16]) {
        for (slot, head) in (0..).zip(heads) {
            self.put(*head, RINGS.available + 4 + 2 * slot);
        }
        self.put(heads.len() as u16, RINGS.available + 2);
    }

    /// What the device does, and how often it synced.
    pub fn process(&mut self) -> (Result<Done, DeviceError>, u32) {
        let syncs = Cell::new(0);
        let backing = || {
            syncs.set(syncs.get() + 1);
            Ok(())
        };
        let mut device = Device::new(GuestAddress(1 << 32), 4096, backing).unwrap();
        let done = device.process(&mut self.queue, &self.ram);
        (done, syncs.get())
    }

    pub fn answer_at(&self, at: u64) -> u32 {
        self.ram.read_obj(GuestAddress(at)).unwrap()
    }

    /// The entry of the used ring: which descriptor, and how many bytes were written.
    pub fn used(&self, slot: u64) -> (u32, u32) {
        let at = RINGS.used + 4 + 8 * slot;
        (self.answer_at(at), self.answer_at(at + 4))
    }
}

/// What becomes of one chain, from descriptor 0 on: its answer, if there is one, and syncs. Nothing
/// but the used ring and the answer has changed.
pub fn one(descriptors: &[Descriptor], indirect: &[Descriptor]) -> (Option<u32>, u32) {
    let mut guest = Guest::new();
    guest.table(RINGS.descriptors, descriptors);
    guest.table(TABLE, indirect);
    guest.offers(&[0]);
    let mut before = content(&guest.ram);
    let (done, syncs) = guest.process();
    let done = done.unwrap();
    assert_eq!((done.used, done.synced), (1, syncs > 0));
    let (head, len) = guest.used(0);
    assert_eq!(head, 0);
    let mut after = content(&guest.ram);
    let answer = (len == 4).then(|| guest.answer_at(ANSWER));
    for memory in [&mut before, &mut after] {
        memory[RINGS.used as usize..][..0x90].fill(0);
        if answer.is_some() {
            memory[ANSWER as usize..][..4].fill(0);
        }
    }
    assert!(before == after, "something else was written");
    assert!(len == 4 || len == 0);
    (answer, syncs)
}
