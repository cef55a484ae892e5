//! Page granularity: the hook's two parts, plain function pointers that find hooks by address, and
//! failures that are reported.
#![cfg(feature = "page")]

use std::{
    ffi::c_void,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kpmem::{
    Error, Flags, Granularity, Hook, HookFns, Map, PageSlot, Paged, RawHook, Registered, RoundedTo,
};

/// The registry is global, so the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());
static SLOTS: [PageSlot; 3] = [const { PageSlot::new() }; 3];

fn my_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device that remembers what it was asked to sync, and answers `code`.
#[derive(Default)]
struct Device {
    flushed: Mutex<Vec<(usize, usize)>>,
    drains: Mutex<usize>,
    code: Mutex<i32>,
}

impl Device {
    fn answer(&self, code: i32) {
        *self.code.lock().unwrap() = code;
    }

    fn answered(&self) -> Result<(), i32> {
        match *self.code.lock().unwrap() {
            0 => Ok(()),
            code => Err(code),
        }
    }

    fn flushed(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut self.flushed.lock().unwrap())
    }

    fn drains(&self) -> usize {
        std::mem::take(&mut self.drains.lock().unwrap())
    }

    fn map(&self, base: usize, len: usize) -> Map<Paged<&Self>> {
        // SAFETY: nothing is stored to the range.
        unsafe { Map::with_hook(at(base), len, self) }.unwrap()
    }
}

impl Hook for Device {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        self.flushed.lock().unwrap().push((ptr.addr(), len));
        self.answered()
    }

    fn drain(&self) -> Result<(), i32> {
        *self.drains.lock().unwrap() += 1;
        self.answered()
    }
}

fn at(address: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(address)
}

fn register<'m, H: Hook>(map: &'m Map<Paged<H>>, slot: usize) -> Result<Registered<'m>, Error> {
    // SAFETY: each test drops the registration before the map.
    unsafe { map.register(&SLOTS[slot]) }
}

#[test]
fn the_hook_gets_the_exact_range() {
    let _turn = my_turn();
    let device = Device::default();
    let map = device.map(0x1000, 0x1000);
    assert_eq!(map.granularity(), Granularity::Page);
    map.persist(at(0x1000), 1).unwrap();
    map.persist(at(0x1fff), 1).unwrap();
    map.flush(at(0x1001), 0xffe).unwrap();
    map.persist(at(0x1234), 0).unwrap();
    let functions = register(&map, 0).unwrap();
    // SAFETY: the range is inside the map.
    unsafe { functions.persist_fn()(at(0x1800), 8) };
    let expected = [(0x1000, 1), (0x1fff, 1), (0x1001, 0xffe), (0x1800, 8)];
    assert_eq!((device.flushed(), device.drains()), (expected.into(), 4));
    assert!(map.writeback_invalidate(at(0x1000), 8).is_err());
}

#[test]
fn many_flushes_are_one_drain() {
    let _turn = my_turn();
    let device = Device::default();
    let map = device.map(0x1000, 0x1000);
    map.drain().unwrap();
    assert_eq!(device.drains(), 0, "nothing was flushed");
    (0..100).for_each(|i| map.flush(at(0x1000 + i), 1).unwrap());
    map.drain().unwrap();
    map.drain().unwrap();
    assert_eq!((device.flushed().len(), device.drains()), (100, 1));
}

#[test]
fn a_drain_that_failed_is_done_again() {
    let _turn = my_turn();
    let device = Device::default();
    let map = device.map(0x1000, 0x1000);
    map.flush(at(0x1000), 8).unwrap();
    device.answer(-5);
    let (start, len, code) = (0x1000, 0x1000, -5);
    for _ in 0..2 {
        assert_eq!(map.drain(), Err(Error::Sync { start, len, code }));
    }
    device.answer(0);
    assert_eq!((map.drain(), map.drain()), (Ok(()), Ok(())));
    assert_eq!(device.drains(), 3);
}

#[test]
fn hooks_are_closures_objects_and_functions_of_c() {
    let _turn = my_turn();
    unsafe extern "C" fn flush(context: *mut c_void, ptr: *const u8, len: usize) -> i32 {
        // SAFETY: the test passes a device that outlives the map.
        let device = unsafe { &*context.cast::<Device>() };
        device.flush(ptr, len).map_or_else(|code| code, |()| 0)
    }
    unsafe extern "C" fn drain(context: *mut c_void) -> i32 {
        // SAFETY: as above.
        let device = unsafe { &*context.cast::<Device>() };
        device.drain().map_or_else(|code| code, |()| 0)
    }
    let device = Device::default();
    let context = (&raw const device).cast_mut().cast();
    let closures = HookFns {
        flush: |ptr, len| device.flush(ptr, len),
        drain: || device.drain(),
    };
    let object: &dyn Hook = &closures;
    // SAFETY: nothing is stored to the ranges; the device outlives the hook.
    unsafe {
        let raw = RawHook::new(flush, drain, context);
        let all: [&dyn Hook; 3] = [&closures, object, &raw];
        for hook in all {
            let map = Map::with_hook(at(0x1000), 0x1000, hook).unwrap();
            map.persist(at(0x1001), 7).unwrap();
            assert_eq!((device.flushed(), device.drains()), (vec![(0x1001, 7)], 1));
            device.answer(9);
            let (start, len, code) = (0x1001, 7, 9);
            let failed = Err(Error::Sync { start, len, code });
            assert_eq!(map.persist(at(0x1001), 7), failed);
            device.answer(0);
            device.flushed();
            device.drains();
        }
    }
}

#[test]
fn ranges_can_be_had_in_pages() {
    let _turn = my_turn();
    let device = Device::default();
    let top = usize::MAX - 0x1fff;
    // SAFETY: nothing is stored to the range.
    let map = unsafe { Map::with_hook(at(top), 0x2000, RoundedTo::<4096, _>(&device)) }.unwrap();
    for (start, len) in [(top, 1), (top + 0xfff, 2), (usize::MAX, 1), (top, 0x2000)] {
        map.persist(at(start), len).unwrap();
    }
    let second = top + 0x1000;
    let pages = [
        (top, 0x1000),
        (top, 0x2000),
        (second, 0x1000),
        (top, 0x2000),
    ];
    assert_eq!((device.flushed(), device.drains()), (pages.into(), 4));
    RoundedTo::<4096, _>(&device).flush(at(0x1000), 0).unwrap();
    assert_eq!(device.flushed(), [], "no bytes are in no page");
}

#[test]
fn one_call_spans_adjacent_maps_with_different_hooks() {
    let _turn = my_turn();
    let (a, b, c) = (Device::default(), Device::default(), Device::default());
    let maps = [
        c.map(0x3000, 0x1000),
        a.map(0x1000, 0x1000),
        b.map(0x2000, 0x1000),
    ];
    // Out of order: they are found by address.
    let functions = [0, 1, 2].map(|i| register(&maps[i], i).unwrap());
    let [persist, same, _] = functions.each_ref().map(Registered::persist_fn);
    assert!(std::ptr::fn_addr_eq(persist, same));
    // SAFETY: the range is covered by the three maps.
    unsafe { persist(at(0x1800), 0x2000) };
    assert_eq!(a.flushed(), [(0x1800, 0x800)]);
    assert_eq!(b.flushed(), [(0x2000, 0x1000)]);
    assert_eq!(c.flushed(), [(0x3000, 0x800)]);
    assert_eq!([&a, &b, &c].map(Device::drains), [1; 3]);
    maps.iter().for_each(|map| map.drain().unwrap());
    assert_eq!([&a, &b, &c].map(Device::drains), [0; 3]);
}

#[test]
fn a_wrapping_range_is_synced_on_both_sides() {
    let _turn = my_turn();
    let device = Device::default();
    let maps = [device.map(usize::MAX - 0xfff, 0x1000), device.map(1, 0xfff)];
    let functions = [0, 1].map(|i| register(&maps[i], i).unwrap());
    // SAFETY: the hook only remembers, so what it is given need not be mapped.
    unsafe { functions[0].flush_fn()(at(usize::MAX), 3) };
    assert_eq!(device.flushed(), [(usize::MAX, 1), (1, 1)]);
    // The byte at 0 is in no map.
    let (start, len) = (0, 1);
    assert_eq!(maps[0].drain(), Err(Error::NotCovered { start, len }));
}

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
static OPEN: std::sync::atomic::AtomicIsize = std::sync::atomic::AtomicIsize::new(0);

struct Counted;

// SAFETY: a test stays where it is.
unsafe impl kpmem::Guard for Counted {
    type State = ();
    fn enter() {
        OPEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    fn leave((): ()) {
        OPEN.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
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
        assert_eq!(OPEN.load(std::sync::atomic::Ordering::Relaxed), 0);
    }
}

#[test]
fn an_address_has_one_hook_and_a_slot_one_map() {
    let _turn = my_turn();
    let (first, second) = (Device::default(), Device::default());
    let map = first.map(0x1000, 0x1000);
    let functions = register(&map, 0).unwrap();
    for (start, len) in [(0x1000, 0x1000), (0x1fff, 1), (0xfff, 2), (0x800, 0x2000)] {
        let overlap = Error::Overlap {
            start,
            len,
            other_start: 0x1000,
            other_len: 0x1000,
        };
        let other = second.map(start, len);
        assert_eq!(register(&other, 1).unwrap_err(), overlap);
        // Only the pointers need one hook an address.
        other.persist(at(start), len).unwrap();
    }
    let (start, len) = (0x3000, 0x1000);
    let other = second.map(start, len);
    let in_use = Error::SlotInUse { start, len };
    assert_eq!(register(&other, 0).unwrap_err(), in_use);
    drop(functions);
    let _functions = register(&other, 0).unwrap();
}

#[test]
fn copies_store_and_then_call_the_hook_once() {
    let _turn = my_turn();
    let mut memory = [0_u64; 512];
    let base: *mut u8 = memory.as_mut_ptr().cast();
    let seen = Mutex::new(Vec::new());
    let hook = HookFns {
        flush: |ptr: *const u8, len| {
            // SAFETY: the range is in memory.
            let first = unsafe { ptr.read() };
            seen.lock().unwrap().push((ptr.addr(), len, first));
            Ok(())
        },
        drain: || Ok(()),
    };
    // SAFETY: only this thread uses the memory.
    unsafe {
        let map = Map::with_hook(base, 4096, hook).unwrap();
        map.memset(base.add(3), 1, 2000, Flags::empty()).unwrap();
        map.memset(base, 2, 8, Flags::NOFLUSH).unwrap();
        map.memset(base.add(8), 3, 8, Flags::NODRAIN).unwrap();
        let functions = register(&map, 0).unwrap();
        functions.memset_fn()(base.add(16), 4, 4000, 0);
        functions.memmove_fn()(base.add(16), base, 8, Flags::NOFLUSH.bits());
        let expected = [(3, 2000, 1), (8, 8, 3), (16, 4000, 4)];
        assert_eq!(
            *seen.lock().unwrap(),
            expected.map(|(at, len, byte)| (base.addr() + at, len, byte))
        );
        assert_eq!(base.add(16).read(), 2);
    }
}
