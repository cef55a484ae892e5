//! libpmem2's names without an OS: the pool, the hooks, the errors. What is the same as in PMDK's
//! library, the twin program compares (`libpmem2/tests/twin`).
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "each map is of memory of its own"
)]

use std::{
    ffi::{CStr, c_int, c_void},
    ptr::{null, null_mut},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use kpmem_capi::pmem2::{codes, pool::*, source::SOURCES, *};

const BYTE: u32 = 0;
const LINE: u32 = 1;
const PAGE: u32 = 2;

/// The pool is one for all tests.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn memory(pages: usize) -> *mut u8 {
    Box::leak(vec![0_u64; pages * 512].into_boxed_slice())
        .as_mut_ptr()
        .cast()
}

fn map(
    source: *const Pmem2Source,
    base: *mut u8,
    len: usize,
    granularity: u32,
) -> Result<*mut Pmem2Map, c_int> {
    let mut map = null_mut();
    match unsafe { pmem2_map_from_existing(&mut map, source, base.cast(), len, granularity) } {
        0 => Ok(map),
        code => {
            assert!(map.is_null());
            Err(code)
        }
    }
}

fn delete(mut map: *mut Pmem2Map) {
    assert_eq!(unsafe { pmem2_map_delete(&mut map) }, 0);
    assert!(map.is_null());
}

fn said() -> String {
    let text = unsafe { CStr::from_ptr(pmem2_errormsg()) };
    text.to_str().unwrap().to_owned()
}

#[test]
fn the_pool_has_a_limit_and_grows_by_what_is_given() {
    let _alone = alone();
    let base = memory(100);
    let at = |page: usize| map(null(), base.wrapping_add(page * 4096), 4096, BYTE);
    let mut maps: Vec<_> = (0..MAPS).map(|page| at(page).unwrap()).collect();
    assert_eq!(at(MAPS), Err(-12));
    assert!(said().contains("kpmem_pmem2_give_memory"), "{}", said());
    delete(maps.pop().unwrap());
    maps.push(at(MAPS).unwrap());
    assert_eq!(at(MAPS + 1), Err(-12));

    for size in [0, 1, MAP_SIZE / 2] {
        let little = memory(1).wrapping_add(1);
        assert_eq!(unsafe { kpmem_pmem2_give_memory(little.cast(), size) }, 0);
    }
    let given = memory(1).wrapping_add(3);
    let more = unsafe { kpmem_pmem2_give_memory(given.cast(), 10 * MAP_SIZE) };
    assert!(more >= 9, "room for {more}");
    maps.extend((0..more).map(|page| at(MAPS + 1 + page).unwrap()));
    assert_eq!(at(99), Err(-12));
    maps.into_iter().for_each(delete);
}

#[test]
fn of_maps_made_at_once_no_two_overlap() {
    let _alone = alone();
    let base = memory(4).expose_provenance();
    let made = AtomicUsize::new(0);
    thread::scope(|scope| {
        for part in 0..2 {
            let made = &made;
            scope.spawn(move || {
                for _ in 0..20_000 {
                    let base = std::ptr::with_exposed_provenance_mut::<u8>(base);
                    match map(null(), base.wrapping_add(part * 4096), 2 * 4096, BYTE) {
                        Ok(map) => {
                            assert_eq!(made.fetch_add(1, SeqCst), 0, "both were made");
                            made.fetch_sub(1, SeqCst);
                            delete(map);
                        }
                        Err(code) => assert_eq!(code, codes::MAP_EXISTS.value),
                    }
                }
            });
        }
    });
}

#[test]
fn what_is_no_map_is_not_deleted() {
    let _alone = alone();
    let wrong = |mut map: *mut Pmem2Map| unsafe { pmem2_map_delete(&mut map) };
    assert_eq!(wrong(null_mut()), codes::MAPPING_NOT_FOUND.value);
    assert_eq!(wrong(memory(1).cast()), codes::MAPPING_NOT_FOUND.value);
    let one = map(null(), memory(1), 4096, LINE).unwrap();
    delete(one);
    assert_eq!(wrong(one), codes::MAPPING_NOT_FOUND.value);
}

/// What the hooks were called for.
static FLUSHED: AtomicUsize = AtomicUsize::new(0);
static DRAINED: AtomicUsize = AtomicUsize::new(0);
static DEEP: AtomicUsize = AtomicUsize::new(0);
static FAILS: AtomicI32 = AtomicI32::new(0);

unsafe extern "C" fn flush(context: *mut c_void, _ptr: *const u8, len: usize) -> c_int {
    assert_eq!(context.addr(), 77);
    FLUSHED.fetch_add(len, SeqCst);
    0
}

unsafe extern "C" fn drain(_context: *mut c_void) -> c_int {
    DRAINED.fetch_add(1, SeqCst);
    0
}

unsafe extern "C" fn deep(_context: *mut c_void, _ptr: *const u8, len: usize) -> c_int {
    DEEP.fetch_add(len, SeqCst);
    FAILS.load(SeqCst)
}

fn source(hooks: Hooks) -> *mut Pmem2Source {
    let mut source = null_mut();
    assert_eq!(
        unsafe { kpmem_pmem2_source_from_hooks(&mut source, 8192, &hooks) },
        0
    );
    source
}

const NONE: Hooks = Hooks {
    flush: None,
    drain: None,
    deep_flush: None,
    deep_drain: None,
    context: std::ptr::without_provenance_mut(77),
};

#[test]
fn a_page_map_calls_the_hooks_of_its_source() {
    let _alone = alone();
    let base = memory(2);
    let mut without = source(Hooks {
        deep_flush: Some(deep),
        ..NONE
    });
    let unsupported = Err(codes::GRANULARITY_NOT_SUPPORTED.value);
    assert_eq!(map(without, base, 8192, PAGE), unsupported);
    assert_eq!(map(null(), base, 8192, PAGE), unsupported);
    let mut with = source(Hooks {
        flush: Some(flush),
        drain: Some(drain),
        ..NONE
    });
    let map = map(with, base, 8192, PAGE).unwrap();
    unsafe {
        // The map has copied what it needs.
        pmem2_source_delete(&mut with);
        pmem2_source_delete(&mut without);
        assert_eq!(pmem2_map_get_store_granularity(map), PAGE);
        pmem2_get_persist_fn(map)(base, 100);
        assert_eq!((FLUSHED.load(SeqCst), DRAINED.load(SeqCst)), (100, 1));
        pmem2_get_memset_fn(map)(base, 7, 10, 1 << 0);
        pmem2_get_flush_fn(map)(base, 1);
        pmem2_get_drain_fn(map)();
        assert_eq!((FLUSHED.load(SeqCst), DRAINED.load(SeqCst)), (111, 2));
        assert_eq!(pmem2_deep_flush(map, base.cast(), 1), codes::NOSUPP.value);
    }
    delete(map);
}

#[test]
fn deep_flush_asks_the_hook_and_says_what_it_says() {
    let _alone = alone();
    let base = memory(2);
    let mut source = source(Hooks {
        deep_flush: Some(deep),
        ..NONE
    });
    for granularity in [BYTE, LINE] {
        DEEP.store(0, SeqCst);
        let map = map(source, base, 8192, granularity).unwrap();
        let flush =
            |at: usize, len| unsafe { pmem2_deep_flush(map, base.wrapping_add(at).cast(), len) };
        assert_eq!(flush(0, 8192), 0);
        assert_eq!(DEEP.load(SeqCst), 8192);
        for (at, len) in [
            (0, 8193),
            (8192, 1),
            (1, usize::MAX),
            (0, -32_isize as usize),
        ] {
            assert_eq!(flush(at, len), codes::DEEP_FLUSH_RANGE.value);
        }
        assert_eq!(flush(usize::MAX, 1), codes::DEEP_FLUSH_RANGE.value);
        assert_eq!(DEEP.load(SeqCst), 8192);
        for (code, expected) in [(-5, -5), (5, -5), (i32::MIN, i32::MIN)] {
            FAILS.store(code, SeqCst);
            assert_eq!(flush(0, 1), expected);
        }
        FAILS.store(0, SeqCst);
        delete(map);
    }
    unsafe { pmem2_source_delete(&mut source) };
}

#[test]
fn sources_have_a_limit() {
    let _alone = alone();
    let mut sources = Vec::new();
    loop {
        let mut source = null_mut();
        match unsafe { pmem2_source_from_anon(&mut source, 5) } {
            0 => sources.push(source),
            code => break assert_eq!((code, source.is_null()), (-12, true)),
        }
    }
    assert!(sources.len() >= 16);
    for mut source in sources {
        let mut size = 0;
        assert_eq!(unsafe { pmem2_source_size(source, &mut size) }, 0);
        assert_eq!(size, 5);
        assert_eq!(unsafe { pmem2_source_delete(&mut source) }, 0);
        assert!(source.is_null());
    }
}

#[test]
fn the_header_has_the_limits_and_the_codes() {
    let header = include_str!("../include/libpmem2.h");
    let has = |line: String| assert!(header.contains(&line), "no {line}");
    has(format!("#define KPMEM_PMEM2_MAPS {MAPS}\n"));
    has(format!("#define KPMEM_PMEM2_SOURCES {SOURCES}\n"));
    has(format!("#define KPMEM_PMEM2_MAP_SIZE {MAP_SIZE}\n"));
    has(format!("PMEM2_E_NOSUPP ({})", codes::NOSUPP.value));
    has(format!("PMEM2_E_IO_FAIL ({})", codes::IO_FAIL.value));
    assert_eq!(pmem2_err_to_errno(codes::NOSUPP.value), 95);
    assert_eq!(pmem2_err_to_errno(codes::IO_FAIL.value), 22);
}
