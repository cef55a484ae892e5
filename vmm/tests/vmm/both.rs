//! Both sides of virtio-pmem in one process: what the guest's driver says is durable is on the
//! host's disk, by one sync each.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use kpmem::{
    Map,
    virtio::{Error, Pmem, Region, Spins},
};
use kpmem_vmm::Mapped;
use vm_memory::bitmap::AtomicBitmap;

use super::{
    disk::{Disk, Mood},
    guest::{PMEM_AT, Vcpu},
};

pub const SIZE: usize = 1 << 20;
pub const PAGE: usize = 4096;

type Backing = Mapped<AtomicBitmap>;
type Driver = Pmem<Vcpu<Backing>, Spins>;

/// A guest with a driver that was started, and the host that it is on.
pub struct Machine {
    pub vcpu: Vcpu<Backing>,
    pub driver: Driver,
    pub disk: Arc<Disk<AtomicBitmap>>,
    /// Where the guest's memory is.
    pub base: *mut u8,
}

impl Machine {
    pub fn of(backing: Backing, disk: Arc<Disk<AtomicBitmap>>) -> Self {
        let base = backing.mapping().region().as_ptr();
        let vcpu = Vcpu::new(SIZE, backing);
        let driver = vcpu.driver();
        let region = Region {
            base: PMEM_AT.0,
            len: SIZE as u64,
        };
        assert_eq!(driver.start(), Ok(region));
        Self {
            vcpu,
            driver,
            disk,
            base,
        }
    }

    fn booted() -> Self {
        let (mapping, disk) = Disk::mapping(SIZE, 0);
        Self::of(Mapped::new(mapping), disk)
    }

    fn map(&self) -> Map<kpmem::Paged<&Driver>> {
        // SAFETY: the region lives as long as the device; what is synced is on the disk.
        unsafe { Map::with_hook(self.base, SIZE, &self.driver).unwrap() }
    }
}

/// Stores a word and persists it, `n` times; the first that a power cut would lose.
fn first_lost(machine: &Machine, n: usize) -> Option<usize> {
    let map = machine.map();
    (0..n).find(|&index| {
        let offset = index * (PAGE + 8);
        // SAFETY: nothing else uses the word.
        unsafe {
            map.write(machine.base.add(offset).cast(), index as u64 + 1)
                .unwrap()
        };
        !machine.disk.keeps(offset..offset + 8)
    })
}

#[test]
fn each_persist_is_one_sync_and_is_on_the_disk() {
    let machine = Machine::booted();
    assert_eq!(first_lost(&machine, 100), None);
    assert_eq!(machine.vcpu.counts(), (100, 0, 100));
    assert_eq!(machine.disk.calls(), vec![0..SIZE; 100]);
}

#[test]
fn negative_control_a_host_that_lies_loses_the_first() {
    let machine = Machine::booted();
    machine.disk.mood(Mood::Lies);
    assert_eq!(first_lost(&machine, 100), Some(0));
}

#[test]
fn stores_alone_are_no_sync() {
    let machine = Machine::booted();
    // SAFETY: nothing else uses the word.
    unsafe { machine.base.cast::<u64>().write(7) };
    assert_eq!(machine.vcpu.counts(), (0, 0, 0));
    assert!(!machine.disk.keeps(0..8));
}

#[test]
fn a_batch_is_one_sync() {
    let machine = Machine::booted();
    let map = machine.map();
    let batch = map.batch();
    for index in 0..50 {
        let place = machine.base.wrapping_add(index * PAGE).cast::<u64>();
        // SAFETY: nothing else uses the word.
        unsafe { batch.write(place, 1).unwrap() };
    }
    assert_eq!(machine.vcpu.counts(), (0, 0, 0));
    batch.finish().unwrap();
    assert_eq!(machine.vcpu.counts(), (1, 0, 1));
    assert!(machine.disk.keeps(0..SIZE));
}

/// The answer is written after the sync, not before.
#[test]
fn when_the_sync_begins_there_is_no_answer_yet() {
    let looks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&looks);
    let ram: Arc<Mutex<Option<usize>>> = Arc::default();
    let host_address = Arc::clone(&ram);
    let backing = move || {
        let used: usize = host_address.lock().unwrap().unwrap();
        // SAFETY: the driver's page, in memory that lives; the driver waits.
        let index = unsafe { std::ptr::with_exposed_provenance::<u16>(used).read_volatile() };
        seen.lock().unwrap().push(index);
        Ok(())
    };
    let vcpu = Vcpu::new(SIZE, backing);
    let driver = vcpu.driver();
    driver.start().unwrap();
    {
        use virtio_queue::QueueT;
        use vm_memory::{GuestAddress, GuestMemoryBackend};
        let this = vcpu.lock();
        let used = GuestAddress(this.queue.used_ring() + 2);
        let used = this.ram.get_host_address(used).unwrap();
        *ram.lock().unwrap() = Some(used.expose_provenance());
    }
    for _ in 0..3 {
        driver.flush().unwrap();
    }
    assert_eq!(*looks.lock().unwrap(), [0, 1, 2]);
}

#[test]
fn a_sync_that_fails_is_no_persist_nor_is_any_later_one_until_a_reset() {
    let machine = Machine::booted();
    let refused = Err(Error::Refused { ret: 1 });
    machine.disk.mood(Mood::Fails);
    assert_eq!(machine.driver.flush(), refused);
    assert_eq!(machine.vcpu.counts(), (0, 1, 1));
    let why = machine.vcpu.lock().device.failure().unwrap().to_string();
    assert!(why.contains("the disk is full"), "{why}");

    // Our driver asks no more; one that does gets the same answer, and no sync that says nothing.
    machine.disk.mood(Mood::Good);
    machine.disk.calls();
    assert_eq!(machine.driver.flush(), refused);
    assert_eq!(machine.vcpu.counts(), (0, 0, 0));
    ask_again(&machine);
    assert_eq!(machine.vcpu.counts(), (0, 1, 0));
    assert_eq!(machine.disk.calls(), []);

    machine.driver.start().unwrap();
    assert!(machine.vcpu.lock().device.failure().is_none());
    assert_eq!(machine.driver.flush(), Ok(()));
    assert_eq!(machine.vcpu.counts(), (1, 0, 1));
}

/// What a driver does that asks again after a failure: the same chain once more.
fn ask_again(machine: &Machine) {
    use virtio_queue::QueueT;
    use vm_memory::{Bytes, GuestAddress};
    let mut this = machine.vcpu.lock();
    let index = GuestAddress(this.queue.avail_ring() + 2);
    let last: u16 = this.ram.read_obj(index).unwrap();
    this.ram.write_obj(last + 1, index).unwrap();
    let this = &mut *this;
    let done = this.device.process(&mut this.queue, &this.ram).unwrap();
    this.done.push(done);
}

#[test]
fn several_cpus_share_syncs_and_lose_nothing() {
    let machine = Machine::booted();
    let base = machine.base.expose_provenance();
    let (driver, disk) = (&machine.driver, &machine.disk);
    thread::scope(|scope| {
        for cpu in 0..4 {
            scope.spawn(move || {
                for index in 0..100_usize {
                    let offset = cpu * 100 * PAGE / 2 + index * 64;
                    let place = std::ptr::with_exposed_provenance_mut::<u64>(base + offset);
                    // SAFETY: each thread has words of its own.
                    unsafe { place.write_volatile(index as u64 + 1) };
                    driver.flush().unwrap();
                    assert!(disk.keeps(offset..offset + 8));
                }
            });
        }
    });
    let (flushed, failed, synced) = machine.vcpu.counts();
    assert_eq!(failed, 0);
    assert!(flushed as usize == synced && (1..=400).contains(&synced));
}
