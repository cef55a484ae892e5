//! What a map can be asked: its range, its granularity, its functions.

use core::ffi::{c_uint, c_void};

use kpmem::{DrainFn, FlushFn, Granularity, MemcpyFn, MemmoveFn, MemsetFn, PersistFn};

use super::map::{About, Pmem2Map};

/// # Safety
/// `map` must be a map that is not deleted meanwhile.
unsafe fn about(map: *const Pmem2Map) -> &'static About {
    // SAFETY: the caller's.
    unsafe { (*map).about() }
}

/// The address of the first byte.
///
/// # Safety
/// `map` must be a map that is not deleted meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_get_address(map: *const Pmem2Map) -> *mut c_void {
    // SAFETY: the caller's.
    core::ptr::with_exposed_provenance_mut(unsafe { (*map).start() })
}

/// The length in bytes.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_get_size(map: *const Pmem2Map) -> usize {
    // SAFETY: the caller's.
    unsafe { (*map).len() }
}

/// The granularity, as the map was made with.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_get_store_granularity(map: *const Pmem2Map) -> c_uint {
    // SAFETY: the caller's.
    match unsafe { about(map).granularity } {
        Granularity::Byte => 0,
        Granularity::CacheLine => 1,
        _ => 2,
    }
}

/// The function that makes a range durable before it returns. Never null, the same at every call.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_persist_fn(map: *const Pmem2Map) -> PersistFn {
    // SAFETY: the caller's.
    unsafe { about(map).functions.persist }
}

/// The function that starts to make a range durable.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_flush_fn(map: *const Pmem2Map) -> FlushFn {
    // SAFETY: the caller's.
    unsafe { about(map).functions.flush }
}

/// The function that waits until all that this CPU has flushed is durable.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_drain_fn(map: *const Pmem2Map) -> DrainFn {
    // SAFETY: the caller's.
    unsafe { about(map).functions.drain }
}

/// The function that copies, overlap included, durably unless its flags say otherwise.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_memmove_fn(map: *const Pmem2Map) -> MemmoveFn {
    // SAFETY: the caller's.
    unsafe { about(map).functions.memmove }
}

/// The function that copies: the same.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_memcpy_fn(map: *const Pmem2Map) -> MemcpyFn {
    // SAFETY: the caller's.
    unsafe { about(map).functions.memmove }
}

/// The function that fills, durably unless its flags say otherwise.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_memset_fn(map: *const Pmem2Map) -> MemsetFn {
    // SAFETY: the caller's.
    unsafe { about(map).functions.memset }
}
