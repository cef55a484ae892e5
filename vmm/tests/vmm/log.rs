//! Both sides again, where the hypervisor knows what the guest stored.

use std::{
    io,
    sync::{Arc, Mutex},
};

use kpmem::virtio::Error;
use kpmem_vmm::{Mapped, Runs};
use vm_memory::{Bytes, VolatileMemory};

use super::{
    both::{Machine, PAGE, SIZE},
    disk::{Disk, Mood},
};

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
    assert_eq!(
        machine.disk.calls(),
        [3 * PAGE..5 * PAGE, 70 * PAGE..71 * PAGE]
    );
    assert!(machine.disk.keeps(0..SIZE));
    machine.driver.flush().unwrap();
    assert_eq!(machine.disk.calls(), [], "nothing is dirty");

    let slice = mapping.region().as_volatile_slice();
    slice
        .write_slice(b"of the hypervisor", 9 * PAGE - 3)
        .unwrap();
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
    assert_eq!(
        machine.disk.calls(),
        [3 * PAGE..4 * PAGE, 5 * PAGE..6 * PAGE]
    );
    assert!(machine.disk.keeps(0..SIZE));
}

#[test]
fn a_log_that_cannot_be_read_is_a_failure() {
    let (mapping, disk) = Disk::mapping(SIZE, 2);
    let unread =
        |_: &mut dyn FnMut(usize, usize)| -> io::Result<()> { Err(io::Error::other("no log")) };
    let machine = Machine::of(Mapped::with_log(mapping, unread), disk);
    assert_eq!(machine.driver.flush(), Err(Error::Refused { ret: 1 }));
}
