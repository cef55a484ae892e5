//! Page granularity: the hook is found by address, ranges may span maps, and a failed hook is
//! reported.

use std::{
    ffi::c_void,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kpmem::{Error, Granularity, Map, SyncHook};

/// The registry is global, so the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());

fn my_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device that remembers what it was asked to sync, and answers `code`.
#[derive(Default)]
struct Device {
    synced: Mutex<Vec<(usize, usize)>>,
    code: Mutex<i32>,
}

unsafe extern "C" fn sync(context: *mut c_void, ptr: *const u8, len: usize) -> i32 {
    // SAFETY: `hook` passes a device that outlives its map.
    let device = unsafe { &*context.cast::<Device>() };
    device.synced.lock().unwrap().push((ptr.addr(), len));
    *device.code.lock().unwrap()
}

impl Device {
    fn map(&self, base: usize, len: usize) -> Result<Map, Error> {
        // SAFETY: the device can be used from any thread and outlives its map in each test; nothing
        // is stored to the range.
        unsafe {
            let hook = SyncHook::new(sync, (&raw const *self).cast_mut().cast());
            Map::with_hook(at(base), len, hook)
        }
    }

    fn synced(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut self.synced.lock().unwrap())
    }

    fn answer(&self, code: i32) {
        *self.code.lock().unwrap() = code;
    }
}

fn at(address: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(address)
}

#[test]
fn the_hook_gets_the_exact_range() {
    let _turn = my_turn();
    let device = Device::default();
    let map = device.map(0x1000, 0x1000).unwrap();
    assert_eq!(map.granularity(), Granularity::Page);
    map.persist(at(0x1000), 1).unwrap();
    map.persist(at(0x1fff), 1).unwrap();
    map.flush(at(0x1001), 0xffe).unwrap();
    map.persist(at(0x1234), 0).unwrap();
    map.drain().unwrap();
    // SAFETY: the range is inside the map.
    unsafe { map.persist_fn()(at(0x1800), 8) };
    let expected = [(0x1000, 1), (0x1fff, 1), (0x1001, 0xffe), (0x1800, 8)];
    assert_eq!(device.synced(), expected);
}

#[test]
fn one_call_spans_adjacent_maps_with_different_hooks() {
    let _turn = my_turn();
    let (a, b, c) = (Device::default(), Device::default(), Device::default());
    // Made out of order: they are found by address.
    let high = c.map(0x3000, 0x1000).unwrap();
    let low = a.map(0x1000, 0x1000).unwrap();
    let middle = b.map(0x2000, 0x1000).unwrap();
    assert!(std::ptr::fn_addr_eq(low.persist_fn(), high.persist_fn()));
    // SAFETY: the range is covered by the three maps.
    unsafe { low.persist_fn()(at(0x1800), 0x2000) };
    assert_eq!(a.synced(), [(0x1800, 0x800)]);
    assert_eq!(b.synced(), [(0x2000, 0x1000)]);
    assert_eq!(c.synced(), [(0x3000, 0x800)]);
    for map in [&low, &middle, &high] {
        map.drain().unwrap();
    }
}

#[test]
fn a_range_may_end_at_the_top_of_the_address_space() {
    let _turn = my_turn();
    let device = Device::default();
    let start = usize::MAX - 0xfff;
    let map = device.map(start, 0x1000).unwrap();
    map.persist(at(start), 0x1000).unwrap();
    // SAFETY: the range is the map.
    unsafe { map.persist_fn()(at(start), 0x1000) };
    assert_eq!(device.synced(), [(start, 0x1000); 2]);
}

#[test]
fn a_wrapping_range_is_synced_on_both_sides() {
    let _turn = my_turn();
    let device = Device::default();
    let start = usize::MAX - 0xfff;
    let top = device.map(start, 0x1000).unwrap();
    let bottom = device.map(1, 0xfff).unwrap();
    // SAFETY: the hook only remembers, so what it is given need not be mapped.
    unsafe { top.flush_fn()(at(usize::MAX), 3) };
    assert_eq!(device.synced(), [(usize::MAX, 1), (1, 1)]);
    drop(bottom);
}

#[test]
fn a_failed_hook_surfaces_in_the_checked_call() {
    let _turn = my_turn();
    let device = Device::default();
    let map = device.map(0x1000, 0x1000).unwrap();
    let failure = |start, len| {
        Err(Error::Sync {
            start,
            len,
            code: -5,
        })
    };
    device.answer(-5);
    assert_eq!(map.persist(at(0x1100), 8), failure(0x1100, 8));
    assert_eq!(map.flush(at(0x1200), 8), failure(0x1200, 8));
    device.answer(0);
    assert_eq!(map.drain(), Ok(()), "both were reported already");
}

#[test]
fn a_failure_of_a_plain_call_is_reported_once_by_the_next_checked_one() {
    let _turn = my_turn();
    let (bad, good) = (Device::default(), Device::default());
    let failing = bad.map(0x1000, 0x1000).unwrap();
    let healthy = good.map(0x2000, 0x1000).unwrap();
    bad.answer(7);
    // SAFETY: the range is covered by the two maps.
    unsafe { failing.persist_fn()(at(0x1ff8), 16) };
    assert_eq!(good.synced(), [(0x2000, 8)], "synced despite the failure");
    bad.answer(0);
    let (start, len, code) = (0x1ff8, 8, 7);
    assert_eq!(healthy.persist(at(0x2000), 8), Ok(()));
    assert_eq!(
        failing.persist(at(0x1000), 8),
        Err(Error::Sync { start, len, code })
    );
    assert_eq!(failing.persist(at(0x1000), 8), Ok(()));
}

#[test]
fn an_address_has_one_hook_until_its_map_is_dropped() {
    let _turn = my_turn();
    let (first, second) = (Device::default(), Device::default());
    let map = first.map(0x1000, 0x1000).unwrap();
    let overlap = |start, len| Error::Overlap {
        start,
        len,
        other_start: 0x1000,
        other_len: 0x1000,
    };
    for (start, len) in [(0x1000, 0x1000), (0x1fff, 1), (0xfff, 2), (0x800, 0x2000)] {
        assert_eq!(second.map(start, len).unwrap_err(), overlap(start, len));
    }
    drop(map);
    let map = second.map(0x1000, 0x1000).unwrap();
    map.persist(at(0x1000), 1).unwrap();
    assert_eq!(second.synced(), [(0x1000, 1)]);
    assert_eq!(first.synced(), []);
}

#[test]
fn a_full_registry_says_so_and_recovers() {
    let _turn = my_turn();
    let device = Device::default();
    let mut maps = Vec::new();
    let full = loop {
        match device.map(0x1000 * (maps.len() + 1), 0x1000) {
            Ok(map) => maps.push(map),
            Err(error) => break error,
        }
    };
    let capacity = maps.len();
    assert_eq!(full, Error::TooManyPageMaps { capacity });
    maps.pop();
    device.map(0x1000 * capacity, 0x1000).unwrap();
}
