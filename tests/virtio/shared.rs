//! Several CPUs at once: FLUSHes go one by one, and one serves all that had called before it began.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use kpmem::virtio::{Address, Error, Pmem, Transport, Wait};

use super::{driver::Shared, model::QUEUE_AT};

#[test]
fn every_caller_gets_a_flush_that_began_after_its_call() {
    const CALLERS: u64 = 8;
    const CALLS: u64 = if cfg!(miri) { 5 } else { 5_000 };
    let device = Shared::new(|device| device.answer.after = Some(3));
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    let before = device.lock().requests;
                    pmem.flush().unwrap();
                    let done = device.lock().done;
                    assert!(done > before, "neither its own FLUSH, nor a later one");
                }
            });
        }
    });
    let synced = device.lock().synced;
    assert!(synced > 0 && synced <= CALLERS * CALLS, "{synced}");
    device.content();
}

/// Runs one FLUSH, and keeps it under way until each of `others` has begun, and had time to come to
/// the lock.
fn while_one_is_under_way(device: &Shared, moment: Duration, others: &[&Call]) {
    device.lock().answer.after = Some(1);
    let (begun, waits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wait = || {
        // The first wait is for the reset.
        let first = waits.fetch_add(1, Ordering::SeqCst) == 1;
        let (device, begun) = (device, &begun);
        move || {
            if first {
                while begun.load(Ordering::SeqCst) < others.len() {
                    thread::yield_now();
                }
                thread::sleep(moment);
            }
            device.lock().tick();
            true
        }
    };
    let pmem = device.pmem_waiting(device.clone(), Address::Physical(QUEUE_AT), &wait);
    pmem.start().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| pmem.flush().unwrap());
        while waits.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        for other in others {
            scope.spawn(|| {
                begun.fetch_add(1, Ordering::SeqCst);
                other(&pmem);
            });
        }
    });
    drop(pmem);
    device.content();
    device.free();
}

/// What one of them does.
type Call = dyn Fn(&dyn Calls) + Sync;

/// What they may call.
trait Calls {
    fn flush(&self) -> Result<(), Error>;
    fn start(&self);
}

impl<T: Transport, W: Wait> Calls for Pmem<T, W> {
    fn flush(&self) -> Result<(), Error> {
        Pmem::flush(self)
    }

    fn start(&self) {
        Pmem::start(self).unwrap();
    }
}

#[test]
fn those_that_wait_share_the_next_flush() {
    let device = Shared::default();
    let flush = |pmem: &dyn Calls| pmem.flush().unwrap();
    let others: [&Call; 3] = [&flush; 3];
    while_one_is_under_way(&device, Duration::from_millis(200), &others);
    assert_eq!(device.lock().synced, 2);
}

/// What failed for one has failed for all that it would have served, also if the device is started
/// anew before they get to know.
#[test]
fn a_failure_is_everybodys() {
    for _ in 0..if cfg!(miri) { 2 } else { 40 } {
        let device = Shared::new(|device| device.refuses = Some(2));
        let flush = |pmem: &dyn Calls| assert_eq!(pmem.flush(), Err(Error::Refused { ret: 1 }));
        let start = |pmem: &dyn Calls| pmem.start();
        let others: [&Call; 3] = [&flush, &flush, &start];
        while_one_is_under_way(&device, Duration::from_millis(20), &others);
    }
}
