//! A guest that a fuzzer's bytes decide on: right requests, wrong ones, rings anywhere, memory that
//! changes under the device's hands. After each call the whole of the guest's memory must be as the
//! model says, and so must what the device tells.

use std::{cell::RefCell, io};

use arbitrary::Unstructured;
use kpmem_vmm::{Device, DeviceError, Done};
use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::model::{Counts, END, Model, REGIONS, Rings, exists};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// Where things are, mostly.
const AVAILABLE: u64 = 0x200;
const USED: u64 = 0x300;
const REQUESTS: u64 = 0x400;
/// Answers are where two regions touch, so that some span them.
const ANSWERS: u64 = 0xff0;
const TABLES: u64 = 0x3000;

thread_local! {
    static RAM: RefCell<GuestMemoryMmap> = RefCell::new(ram());
}

pub fn ram() -> GuestMemoryMmap {
    let ranges = REGIONS.map(|(start, len)| (GuestAddress(start), len));
    GuestMemoryMmap::from_ranges(&ranges).unwrap()
}

/// The guest's memory as bytes, with zeroes in the hole.
pub fn content(ram: &GuestMemoryMmap) -> Vec<u8> {
    let mut bytes = vec![0; END];
    for (start, len) in REGIONS {
        let part = &mut bytes[start as usize..][..len];
        ram.read_slice(part, GuestAddress(start)).unwrap();
    }
    bytes
}

pub fn fill(ram: &GuestMemoryMmap, bytes: &[u8]) {
    for (start, len) in REGIONS {
        let part = &bytes[start as usize..][..len];
        ram.write_slice(part, GuestAddress(start)).unwrap();
    }
}

/// The device's side of a queue.
pub fn queue(rings: &Rings) -> Queue {
    let mut queue = Queue::new(16).unwrap();
    let halves = |address: u64| (Some(address as u32), Some((address >> 32) as u32));
    queue.set_size(rings.size);
    let (low, high) = halves(rings.descriptors);
    queue.set_desc_table_address(low, high);
    let (low, high) = halves(rings.available);
    queue.set_avail_ring_address(low, high);
    let (low, high) = halves(rings.used);
    queue.set_used_ring_address(low, high);
    queue.set_next_avail(rings.next_available);
    queue.set_next_used(rings.next_used);
    queue.set_ready(true);
    queue
}

pub fn counts(done: &Done) -> Counts {
    Counts {
        used: done.used,
        flushed: done.flushed,
        failed: done.failed,
        rejected: done.rejected,
        unanswered: done.unanswered,
        synced: done.synced,
    }
}

/// Decisions, as long as there are bytes; then always the first choice.
struct Choices<'a>(Unstructured<'a>);

impl Choices<'_> {
    /// A number below `n`, which is not 0.
    fn below(&mut self, n: u64) -> u64 {
        self.0.int_in_range(0..=n - 1).unwrap_or(0)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == n - 1
    }

    fn any(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn address(&mut self) -> u64 {
        let (near, any) = (self.below(END as u64 + 32), self.any());
        self.of(&[near, 0xffe, 0x1ffe, 0x2fff, 0x3ffd, u64::MAX - 2, any])
    }

    fn rings(&mut self) -> Rings {
        let size = 1 << self.of(&[4_u64, 3, 2, 1, 0]);
        let mut place = |usual: u64, align: u64| match self.one_in(16) {
            true => self.address() & !(align - 1),
            false => usual,
        };
        let (descriptors, available, used) = (place(0, 16), place(AVAILABLE, 2), place(USED, 4));
        // An available ring at 0 is how the library knows a queue that was reset.
        let available = if available == 0 { AVAILABLE } else { available };
        let start = self.of(&[0, 0xffff, 0xfff8, 0x7fff]);
        Rings {
            size,
            descriptors,
            available,
            used,
            next_available: start,
            next_used: start,
        }
    }

    /// A descriptor, rarely as it was meant.
    fn descriptor(&mut self, mut address: u64, mut len: u32, mut flags: u16, mut next: u16) -> [u8; 16] {
        if self.one_in(8) {
            match self.below(4) {
                0 => address = self.address(),
                1 => len = self.of(&[0, 1, 3, 4, 5, 8, 16, 64, 0x1000, u32::MAX]),
                2 => flags ^= self.of(&[NEXT, WRITE, INDIRECT, 7, 0xfff8]),
                _ => next = self.of(&[0, 1, 2, 15, 16, 17, 0xffff]),
            }
        }
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&address.to_le_bytes());
        bytes[8..12].copy_from_slice(&len.to_le_bytes());
        bytes[12..14].copy_from_slice(&flags.to_le_bytes());
        bytes[14..].copy_from_slice(&next.to_le_bytes());
        bytes
    }

    /// A chain at these places, whose descriptors are from `first` on in the table at `table`; how
    /// many they are.
    fn chain(&mut self, model: &mut Model, table: u64, first: u16, number: u64) -> u16 {
        let mut parts = Vec::new();
        for (start, flags) in [(REQUESTS + 4 * number, 0), (ANSWERS + 5 * number, WRITE)] {
            // In one piece, mostly, else a descriptor for each byte.
            if self.one_in(8) {
                parts.extend((0..4).map(|offset| (start + offset, 1, flags)));
            } else {
                parts.push((start, 4, flags));
            }
        }
        let count = parts.len() as u16;
        for (index, (address, len, flags)) in (0_u16..).zip(parts) {
            let flags = if index + 1 < count { flags | NEXT } else { flags };
            let next = first + index + 1;
            let bytes = self.descriptor(address, len, flags, next);
            model.put(table + 16 * u64::from(first + index), &bytes);
        }
        if self.one_in(8) {
            let kind = self.of(&[1_u32, 2, 0x100, u32::MAX]);
            model.put(REQUESTS + 4 * number, &kind.to_le_bytes());
        }
        count
    }

    /// The guest puts chains into the queue.
    fn requests(&mut self, model: &mut Model) {
        let rings = model.rings;
        let (count, mut free) = (self.below(u64::from(rings.size) + 1) as u16, 0);
        for number in 0..count {
            let head = free;
            if self.one_in(4) {
                let table = TABLES + 0x80 * u64::from(number);
                let len = self.chain(model, table, 0, number.into());
                let bytes = self.descriptor(table, 16 * u32::from(len), INDIRECT, 0);
                model.put(rings.descriptors + 16 * u64::from(head), &bytes);
                free += 1;
            } else {
                free += self.chain(model, rings.descriptors, head, number.into());
            }
            let slot = u64::from(rings.next_available.wrapping_add(number) % rings.size);
            let head = match self.one_in(16) {
                true => self.of(&[0, 1, rings.size, 0xffff]),
                false => head,
            };
            model.put(rings.available + 4 + 2 * slot, &head.to_le_bytes());
        }
        let mut index = rings.next_available.wrapping_add(count);
        if self.one_in(16) {
            index = self.of(&[0, 1, 0x8000, index.wrapping_sub(1), index.wrapping_add(17)]);
        }
        model.put(rings.available + 2, &index.to_le_bytes());
    }
}

impl Model {
    /// Stores of the guest's, as far as there is memory.
    fn put(&mut self, start: u64, bytes: &[u8]) {
        for (offset, byte) in (0..).zip(bytes) {
            if let Some(place) = start.checked_add(offset).filter(|place| exists(*place)) {
                self.memory[place as usize] = *byte;
            }
        }
    }
}

/// What came of it, so that a test can see whether anything did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub counts: Counts,
    pub refused: u32,
    /// What the model did not foresee: for the negative control.
    pub surprises: u32,
}

/// Some calls of a device. Panics if something is not as the model says, unless that is careless.
pub fn run(bytes: &[u8], careless: bool) -> Outcome {
    RAM.with_borrow(|ram| calls(&mut Choices(Unstructured::new(bytes)), ram, careless))
}

fn calls(choices: &mut Choices<'_>, ram: &GuestMemoryMmap, careless: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut model = Model {
        memory: vec![0; END],
        rings: choices.rings(),
        broken: false,
        careless,
    };
    let mut queue = queue(&model.rings);
    let sync = RefCell::new((false, Vec::new()));
    let mut device = Device::new(GuestAddress(1 << 32), 4096, || {
        let (fails, changes): &(bool, Vec<(u64, u8)>) = &sync.borrow();
        for (address, byte) in changes {
            ram.write_obj(*byte, GuestAddress(*address)).unwrap();
        }
        match fails {
            true => Err(io::Error::other("as was decided")),
            false => Ok(()),
        }
    })
    .unwrap();
    for _ in 0..1 + choices.below(3) {
        choices.requests(&mut model);
        for _ in 0..choices.of(&[0, 0, 0, 1, 8]) {
            let (address, byte) = (choices.address(), choices.any() as u8);
            model.put(address, &[byte]);
        }
        fill(ram, &model.memory);
        let mut changes = Vec::new();
        if choices.one_in(8) {
            let all = (0..4).map(|_| (choices.address(), choices.any() as u8));
            changes.extend(all.filter(|(address, _)| exists(*address)));
        }
        *sync.borrow_mut() = (choices.one_in(8), changes);
        let expected = model.process(|model| {
            let (fails, changes) = &*sync.borrow();
            changes.iter().for_each(|(address, byte)| model.put(*address, &[*byte]));
            !fails
        });
        let found = device.process(&mut queue, ram);
        let same = content(ram) == model.memory;
        match (&expected, &found) {
            (Some(expected), Ok(done)) if same && counts(done) == *expected => {
                outcome.add(expected);
            }
            (None, Err(DeviceError::QueueNotValid | DeviceError::Queue(_))) if same => {
                outcome.refused += 1;
                return outcome;
            }
            _ if careless => outcome.surprises += 1,
            _ => panic!("{expected:?} was to come, and {found:?} did; same memory: {same}"),
        }
        assert_eq!(queue.next_avail(), model.rings.next_available);
        if choices.one_in(4) {
            device.reset();
            model.broken = false;
        }
        model.memory = content(ram);
    }
    outcome
}

impl Outcome {
    fn add(&mut self, more: &Counts) {
        let sum = &mut self.counts;
        sum.used += more.used;
        sum.flushed += more.flushed;
        sum.failed += more.failed;
        sum.rejected += more.rejected;
        sum.unanswered += more.unanswered;
        sum.synced |= more.synced;
    }
}
