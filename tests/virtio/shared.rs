//! Several CPUs at once: FLUSHes go one by one, and one serves all that had called before it began.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use kpmem::virtio::{Address, Error};

use super::model::{QUEUE_AT, Shared};

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

/// While one FLUSH is under way, three more call: one more FLUSH serves them.
#[test]
fn those_that_wait_share_the_next_flush() {
    let device = Shared::new(|device| device.answer.after = Some(1));
    let called = AtomicU32::new(0);
    let looks = AtomicU64::new(0);
    let wait = || {
        let first = looks.fetch_add(1, Ordering::Relaxed) == 1;
        let (device, called) = (&device, &called);
        move || {
            if first {
                while called.load(Ordering::SeqCst) < 4 {
                    thread::yield_now();
                }
                // From there to the lock takes a moment.
                thread::sleep(Duration::from_millis(200));
            }
            device.lock().tick();
            true
        }
    };
    let pmem = device.pmem_waiting(device.clone(), Address::Physical(QUEUE_AT), &wait);
    pmem.start().unwrap();
    thread::scope(|scope| {
        let call = || {
            called.fetch_add(1, Ordering::SeqCst);
            pmem.flush().unwrap();
        };
        scope.spawn(call);
        while looks.load(Ordering::Relaxed) < 2 {
            thread::yield_now();
        }
        for _ in 0..3 {
            scope.spawn(call);
        }
    });
    assert_eq!(device.lock().synced, 2);
    device.content();
}

/// What failed for one has failed for all that it would have served, also if the device is started
/// anew before they get to know.
#[test]
fn a_failure_is_everybodys() {
    let device = Shared::new(|device| device.answer.ret = Some(1));
    let pmem = device.pmem(device.clone(), 10);
    pmem.start().unwrap();
    let refused = Err(Error::Refused { ret: 1 });
    thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| pmem.flush())).collect();
        for one in all {
            assert_eq!(one.join().unwrap(), refused);
        }
    });
    device.lock().answer.ret = Some(0);
    assert_eq!(pmem.flush(), refused);
    pmem.start().unwrap();
    assert_eq!(pmem.flush(), Ok(()));
}
