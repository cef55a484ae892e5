//! libpmem2, if it is there: loaded at run time, so that nothing else depends on it.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem::transmute,
    ptr::null_mut,
};

use kpmem::{DrainFn, FlushFn, Granularity, MemmoveFn, MemsetFn, PersistFn};

/// Its functions for a map of one granularity: the same signatures as kpmem's.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub persist: PersistFn,
    pub flush: FlushFn,
    pub drain: DrainFn,
    pub memmove: MemmoveFn,
    pub memset: MemsetFn,
}

type SourceFromAnon = unsafe extern "C" fn(*mut *mut c_void, usize) -> c_int;
type MapFromExisting =
    unsafe extern "C" fn(*mut *mut c_void, *const c_void, *mut c_void, usize, c_int) -> c_int;
type Get = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// The library, and two maps over the same memory.
pub fn load(base: *mut u8, len: usize) -> Option<[Peer; 2]> {
    let of = |granularity| Peer::new(base, len, granularity);
    Some([of(Granularity::CacheLine)?, of(Granularity::Byte)?])
}

impl Peer {
    fn new(base: *mut u8, len: usize, granularity: Granularity) -> Option<Self> {
        // libpmem2.h: PMEM2_GRANULARITY_BYTE, _CACHE_LINE.
        let (number, base) = match granularity {
            Granularity::Byte => (0, base.wrapping_add(len / 2)),
            _ => (1, base),
        };
        // SAFETY: the signatures are those of libpmem2.h; the memory is mapped for good.
        unsafe {
            let library = libc::dlopen(c"libpmem2.so.1".as_ptr(), libc::RTLD_NOW);
            if library.is_null() {
                return None;
            }
            let find = |name: &CStr| {
                let symbol = libc::dlsym(library, name.as_ptr().cast::<c_char>());
                (!symbol.is_null()).then_some(symbol)
            };
            let source_from_anon: SourceFromAnon = transmute(find(c"pmem2_source_from_anon")?);
            let map_from_existing: MapFromExisting = transmute(find(c"pmem2_map_from_existing")?);
            let (mut source, mut map) = (null_mut(), null_mut());
            if source_from_anon(&raw mut source, len / 2) != 0
                || map_from_existing(&raw mut map, source, base.cast(), len / 2, number) != 0
            {
                return None;
            }
            let get = |name| {
                let get: Get = transmute(find(name)?);
                Some(get(map))
            };
            Some(Self {
                persist: transmute::<*mut c_void, PersistFn>(get(c"pmem2_get_persist_fn")?),
                flush: transmute::<*mut c_void, FlushFn>(get(c"pmem2_get_flush_fn")?),
                drain: transmute::<*mut c_void, DrainFn>(get(c"pmem2_get_drain_fn")?),
                memmove: transmute::<*mut c_void, MemmoveFn>(get(c"pmem2_get_memmove_fn")?),
                memset: transmute::<*mut c_void, MemsetFn>(get(c"pmem2_get_memset_fn")?),
            })
        }
    }
}
