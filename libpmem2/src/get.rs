//! What a map can be asked: its range, its granularity, its functions.

use std::ffi::{c_uint, c_void};

use kpmem::{DrainFn, FlushFn, MemcpyFn, MemmoveFn, MemsetFn, PersistFn};

use crate::{granularity, map::Map};

/// The address of the first byte.
///
/// # Safety
/// `map` must be a map that is not deleted meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_get_address(map: *const Map) -> *mut c_void {
    // SAFETY: the caller's.
    unsafe { (*map).base.cast() }
}

/// The length in bytes.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_get_size(map: *const Map) -> usize {
    // SAFETY: the caller's.
    unsafe { (*map).len }
}

/// The granularity: as it was found, or given.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_get_store_granularity(map: *const Map) -> c_uint {
    // SAFETY: the caller's.
    granularity::to_c(unsafe { (*map).granularity })
}

/// The function that makes a range durable before it returns. Never null, the same at every call.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_persist_fn(map: *const Map) -> PersistFn {
    // SAFETY: the caller's.
    unsafe { (*map).functions.persist }
}

/// The function that starts to make a range durable.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_flush_fn(map: *const Map) -> FlushFn {
    // SAFETY: the caller's.
    unsafe { (*map).functions.flush }
}

/// The function that waits until all that this CPU has flushed is durable.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_drain_fn(map: *const Map) -> DrainFn {
    // SAFETY: the caller's.
    unsafe { (*map).functions.drain }
}

/// The function that copies, overlap included, durably unless its flags say otherwise.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_memmove_fn(map: *const Map) -> MemmoveFn {
    // SAFETY: the caller's.
    unsafe { (*map).functions.memmove }
}

/// The function that copies: the same.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_memcpy_fn(map: *const Map) -> MemcpyFn {
    // SAFETY: the caller's.
    unsafe { (*map).functions.memmove }
}

/// The function that fills, durably unless its flags say otherwise.
///
/// # Safety
/// As for [`pmem2_map_get_address`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_get_memset_fn(map: *const Map) -> MemsetFn {
    // SAFETY: the caller's.
    unsafe { (*map).functions.memset }
}
