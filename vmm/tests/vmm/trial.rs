//! A guest that a fuzzer's bytes decide on: right requests, wrong ones, rings anywhere, memory that
//! changes under the device's hands. After each call the whole of the guest's memory must be as the
//! model says, and so must what the device tells.

use std::{cell::RefCell, io};

use kpmem_vmm::{Device, DeviceError, Done};
use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::{
    choices::Choices,
    model::{Counts, END, Model, REGIONS, Rings, exists},
};

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
    RAM.with_borrow(|ram| calls(&mut Choices::new(bytes), ram, careless))
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
            changes
                .iter()
                .for_each(|(address, byte)| model.put(*address, &[*byte]));
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
