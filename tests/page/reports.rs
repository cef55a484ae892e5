//! Failures reach a caller, once, whoever caused them.

use crate::{Device, at, my_turn, register};
use kpmem::{Error, HookFns, Map};
use std::sync::atomic::{AtomicIsize, Ordering};

#[test]
fn a_failure_of_a_plain_call_is_reported_once_by_the_next_checked_one() {
    let _turn = my_turn();
    let (bad, good) = (Device::default(), Device::default());
    let (failing, healthy) = (bad.map(0x1000, 0x1000), good.map(0x2000, 0x1000));
    let functions = (
        register(&failing, 0).unwrap(),
        register(&healthy, 1).unwrap(),
    );
    bad.answer(7);
    // SAFETY: the range is covered by the two maps.
    unsafe { functions.0.flush_fn()(at(0x1ff8), 16) };
    assert_eq!(good.flushed(), [(0x2000, 8)], "flushed despite the failure");
    bad.answer(0);
    let (start, len, code) = (0x1ff8, 8, 7);
    assert_eq!(healthy.persist(at(0x2000), 8), Ok(()));
    let failure = Err(Error::Sync { start, len, code });
    assert_eq!(failing.persist(at(0x1000), 8), failure);
    assert_eq!(failing.persist(at(0x1000), 8), Ok(()));
}

#[test]
fn a_range_that_no_map_covers_is_reported_once_by_the_next_checked_call() {
    let _turn = my_turn();
    let (device, other) = (Device::default(), Device::default());
    let (map, elsewhere) = (device.map(0x1000, 0x1000), other.map(0x9000, 0x1000));
    let functions = register(&map, 0).unwrap();
    let not_covered = |start, len| Err(Error::NotCovered { start, len });
    // SAFETY: the hook only remembers, so what it is given need not be mapped.
    unsafe {
        functions.persist_fn()(at(0x5000), 8);
        assert_eq!(elsewhere.drain(), not_covered(0x5000, 8));
        assert_eq!((elsewhere.drain(), map.drain()), (Ok(()), Ok(())));
        for (start, len, lost, bytes) in [(0xff0, 32, 0xff0, 16), (0x1ff0, 32, 0x2000, 16)] {
            functions.persist_fn()(at(start), len);
            assert_eq!(map.persist(at(0x1000), 1), not_covered(lost, bytes));
        }
        let persist = functions.persist_fn();
        drop(functions);
        persist(at(0x1000), 8);
        assert_eq!(map.drain(), not_covered(0x1000, 8), "taken out");
    }
}

#[test]
fn a_batch_that_is_dropped_loses_no_failure() {
    let _turn = my_turn();
    let (device, base) = (Device::default(), 0x10_0000);
    let map = device.map(base, 4096);
    let registered = register(&map, 0).unwrap();
    let sync = |start, len, code| Err(Error::Sync { start, len, code });
    // What a plain call could not return.
    device.answer(-11);
    // SAFETY: the hook reads nothing.
    unsafe { registered.flush_fn()(at(base), 8) };
    device.answer(0);
    drop(map.batch());
    assert_eq!(map.drain(), sync(base, 8, -11));
    assert_eq!(map.drain(), Ok(()));
    // A range that no map covers.
    // SAFETY: as above.
    unsafe { registered.flush_fn()(at(0x90_0000), 8) };
    drop(map.batch());
    let start = 0x90_0000;
    assert_eq!(map.drain(), Err(Error::NotCovered { start, len: 8 }));
    // The drain of the batch itself, of a device that tells each failure once.
    let batch = map.batch();
    batch.flush(at(base), 8).unwrap();
    device.answer(-5);
    drop(batch);
    device.answer(0);
    assert_eq!(map.flush(at(base), 8), sync(base, 4096, -5));
    assert_eq!(map.drain(), Ok(()));
    drop(registered);
}

/// Sections that are open, counted.
static OPEN: AtomicIsize = AtomicIsize::new(0);

struct Counted;

// SAFETY: a test stays where it is.
unsafe impl kpmem::Guard for Counted {
    type State = ();
    fn enter() {
        OPEN.fetch_add(1, Ordering::Relaxed);
    }
    fn leave((): ()) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_guard_is_left_when_a_hook_panics() {
    let _turn = my_turn();
    let hook = HookFns {
        flush: |_: *const u8, _: usize| Ok(()),
        drain: || -> Result<(), i32> { panic!("a hook's") },
    };
    for finish in [false, true] {
        // SAFETY: nothing is stored to the range.
        let map = unsafe { Map::with_hook(at(0x10_0000), 4096, hook) }.unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let batch = map.batch_within::<Counted>();
            batch.flush(at(0x10_0000), 8).unwrap();
            if finish {
                let _ = batch.finish();
            }
        }));
        assert!(panicked.is_err());
        assert_eq!(OPEN.load(Ordering::Relaxed), 0);
    }
}
