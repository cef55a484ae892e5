//! Both sides of virtio-pmem in one process: what the guest's driver says is durable is on the
//! host's disk, by one sync each.

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
};

use kpmem::{
    Map,
    virtio::{Error, Pmem, Region, Spins},
};
use kpmem_vmm::{Mapped, Runs};
use vm_memory::bitmap::AtomicBitmap;

use super::{
    disk::{Disk, Mood},
    guest::{PMEM_AT, Vcpu},
};

const SIZE: usize = 1 << 20;
const PAGE: usize = 4096;

type Backing = Mapped<AtomicBitmap>;
type Driver = Pmem<Vcpu<Backing>, Spins>;

/// A guest with a driver that was started, and the host that it is on.
struct Machine {
    vcpu: Vcpu<Backing>,
    driver: Driver,
    disk: Arc<Disk<AtomicBitmap>>,
    /// Where the guest's memory is.
    base: *mut u8,
}

impl Machine {
    fn of(backing: Backing, disk: Arc<Disk<AtomicBitmap>>) -> Self {
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
        unsafe { map.write(machine.base.add(offset).cast(), index as u64 + 1).unwrap() };
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

/// The hypervisor's dirty log, as KVM gives it: the pages since it was read last.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u64>>>);

impl Log {
    fn store(&self, page: usize) {
        let mut words = self.0.lock().unwrap();
        words.resize(SIZE / PAGE / 64, 0);
        words[page / 64] |= 1 << (page % 64);
    }

    fn machine(&self, ranges: usize) -> Machine {
        let (mapping, disk) = Disk::mapping(SIZE, ranges);
        let log = self.clone();
        let collect = move |mark: &mut dyn FnMut(usize, usize)| -> io::Result<()> {
            let words = std::mem::take(&mut *log.0.lock().unwrap());
            for run in Runs::from_bitmap(words, PAGE, SIZE).iter() {
                mark(run.start, run.len());
            }
            Ok(())
        };
        Machine::of(Mapped::with_log(mapping, collect), disk)
    }
}

fn store(machine: &Machine, page: usize) {
    let place = machine.base.wrapping_add(page * PAGE).cast::<u64>();
    // SAFETY: nothing else uses the word.
    unsafe { place.write_volatile(place.read_volatile() + 1) };
}

#[test]
fn with_a_log_only_dirty_pages_are_synced() {
    let log = Log::default();
    let machine = log.machine(2);
    for page in [3, 4, 70] {
        store(&machine, page);
        log.store(page);
    }
    // The hypervisor's own write, which vm-memory marks.
    let mapping = Arc::clone(machine.vcpu.lock().device.backing().mapping());
    machine.driver.flush().unwrap();
    assert_eq!(machine.disk.calls(), [3 * PAGE..5 * PAGE, 70 * PAGE..71 * PAGE]);
    assert!(machine.disk.keeps(0..SIZE));
    machine.driver.flush().unwrap();
    assert_eq!(machine.disk.calls(), [], "nothing is dirty");

    use vm_memory::{Bytes, VolatileMemory};
    let slice = mapping.region().as_volatile_slice();
    slice.write_slice(b"of the hypervisor", 9 * PAGE - 3).unwrap();
    machine.driver.flush().unwrap();
    assert_eq!(machine.disk.calls(), [8 * PAGE..10 * PAGE]);
    assert!(machine.disk.keeps(0..SIZE));

    // More runs than it may be asked for.
    for page in [1, 3, 5] {
        store(&machine, page);
        log.store(page);
    }
    machine.driver.flush().unwrap();
    assert_eq!(machine.disk.calls(), vec![0..SIZE]);
}

#[test]
fn negative_control_a_log_that_forgets_a_page_loses_it() {
    let log = Log::default();
    let machine = log.machine(2);
    store(&machine, 3);
    log.store(3);
    store(&machine, 5);
    machine.driver.flush().unwrap();
    assert!(machine.disk.keeps(3 * PAGE..4 * PAGE));
    assert!(!machine.disk.keeps(5 * PAGE..6 * PAGE));
}

#[test]
fn after_a_failure_the_log_is_not_forgotten() {
    let log = Log::default();
    let machine = log.machine(2);
    store(&machine, 3);
    log.store(3);
    machine.disk.mood(Mood::Fails);
    assert!(machine.driver.flush().is_err());
    machine.disk.mood(Mood::Good);
    machine.disk.calls();
    machine.driver.start().unwrap();
    store(&machine, 5);
    log.store(5);
    machine.driver.flush().unwrap();
    assert_eq!(machine.disk.calls(), [3 * PAGE..4 * PAGE, 5 * PAGE..6 * PAGE]);
    assert!(machine.disk.keeps(0..SIZE));
}

#[test]
fn a_log_that_cannot_be_read_is_a_failure() {
    let (mapping, disk) = Disk::mapping(SIZE, 2);
    let unread = |_: &mut dyn FnMut(usize, usize)| -> io::Result<()> {
        Err(io::Error::other("no log"))
    };
    let machine = Machine::of(Mapped::with_log(mapping, unread), disk);
    assert_eq!(machine.driver.flush(), Err(Error::Refused { ret: 1 }));
}
