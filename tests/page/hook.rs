//! What a hook is asked, and when.

use crate::{Device, at, my_turn, register};
use kpmem::{Error, Flags, Granularity, Hook, HookFns, Map, RawHook, RoundedTo};
use std::{ffi::c_void, sync::Mutex};

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
