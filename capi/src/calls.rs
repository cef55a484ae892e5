//! The checked calls of a map.

use core::{
    ffi::{c_int, c_void},
    sync::atomic::AtomicU64,
};

use kpmem::Flags;

use crate::{
    error::{KPMEM_E_ARGUMENT, KPMEM_E_MISALIGNED, code, status},
    handle::get,
    map::{kpmem_map, with},
};

/// [`Flags::NODRAIN`]
pub const KPMEM_F_NODRAIN: u32 = 1;
/// [`Flags::NONTEMPORAL`]
pub const KPMEM_F_NONTEMPORAL: u32 = 2;
/// [`Flags::TEMPORAL`]
pub const KPMEM_F_TEMPORAL: u32 = 4;
/// [`Flags::WC`]
pub const KPMEM_F_WC: u32 = 8;
/// [`Flags::WB`]
pub const KPMEM_F_WB: u32 = 16;
/// [`Flags::NOFLUSH`]
pub const KPMEM_F_NOFLUSH: u32 = 32;

const _: () = assert!(
    Flags::NODRAIN.bits() == KPMEM_F_NODRAIN
        && Flags::NONTEMPORAL.bits() == KPMEM_F_NONTEMPORAL
        && Flags::TEMPORAL.bits() == KPMEM_F_TEMPORAL
        && Flags::WC.bits() == KPMEM_F_WC
        && Flags::WB.bits() == KPMEM_F_WB
        && Flags::NOFLUSH.bits() == KPMEM_F_NOFLUSH
);

/// [`Map::persist`](kpmem::Map::persist)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_persist(
    map: *const kpmem_map,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let map = unsafe { get(map) };
    status(map.and_then(|map| with!(map, map => map.persist(ptr.cast(), len)).map_err(code)))
}

/// [`Map::flush`](kpmem::Map::flush)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_flush(
    map: *const kpmem_map,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let map = unsafe { get(map) };
    status(map.and_then(|map| with!(map, map => map.flush(ptr.cast(), len)).map_err(code)))
}

/// [`Map::drain`](kpmem::Map::drain)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_drain(map: *const kpmem_map) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let map = unsafe { get(map) };
    status(map.and_then(|map| with!(map, map => map.drain()).map_err(code)))
}

/// [`Map::writeback_invalidate`](kpmem::Map::writeback_invalidate)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_writeback_invalidate(
    map: *const kpmem_map,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let map = unsafe { get(map) };
    status(
        map.and_then(|map| {
            with!(map, map => map.writeback_invalidate(ptr.cast(), len)).map_err(code)
        }),
    )
}

/// [`Map::memmove`](kpmem::Map::memmove)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_memmove(
    map: *const kpmem_map,
    dest: *mut c_void,
    src: *const c_void,
    len: usize,
    flags: u32,
) -> c_int {
    // SAFETY: the caller vouches for the handle and both ranges.
    status(unsafe { memmove(map, dest, src, len, flags) })
}

/// [`Map::memcpy`](kpmem::Map::memcpy)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_memcpy(
    map: *const kpmem_map,
    dest: *mut c_void,
    src: *const c_void,
    len: usize,
    flags: u32,
) -> c_int {
    // SAFETY: the caller vouches for the handle and both ranges.
    status(unsafe { memmove(map, dest, src, len, flags) })
}

/// # Safety
/// As for the functions above.
pub(crate) unsafe fn memmove(
    map: *const kpmem_map,
    dest: *mut c_void,
    src: *const c_void,
    len: usize,
    flags: u32,
) -> Result<(), c_int> {
    let flags = Flags::from_bits_retain(flags);
    // SAFETY: the caller's.
    let map = unsafe { get(map)? };
    if src.is_null() && len > 0 {
        return Err(KPMEM_E_ARGUMENT);
    }
    // SAFETY: the caller vouches for both ranges.
    let done = unsafe { with!(map, map => map.memmove(dest.cast(), src.cast(), len, flags)) };
    done.map_err(code)
}

/// [`Map::memset`](kpmem::Map::memset)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_memset(
    map: *const kpmem_map,
    dest: *mut c_void,
    c: c_int,
    len: usize,
    flags: u32,
) -> c_int {
    // SAFETY: the caller vouches for the handle and the range.
    status(unsafe { memset(map, dest, c, len, flags) })
}

/// # Safety
/// As for [`kpmem_map_memset`].
pub(crate) unsafe fn memset(
    map: *const kpmem_map,
    dest: *mut c_void,
    c: c_int,
    len: usize,
    flags: u32,
) -> Result<(), c_int> {
    let ([byte, ..], flags) = (c.to_le_bytes(), Flags::from_bits_retain(flags));
    // SAFETY: the caller's.
    let map = unsafe { get(map)? };
    // SAFETY: the caller vouches for the range.
    let done = unsafe { with!(map, map => map.memset(dest.cast(), byte, len, flags)) };
    done.map_err(code)
}

/// [`Map::store`](kpmem::Map::store)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_store64(
    map: *const kpmem_map,
    dest: *mut u64,
    value: u64,
) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let map = match unsafe { get(map) } {
        Ok(map) => map,
        Err(error) => return error,
    };
    if !dest.is_aligned() {
        return KPMEM_E_MISALIGNED;
    }
    if dest.is_null() {
        return KPMEM_E_ARGUMENT;
    }
    // SAFETY: aligned; and `store` looks whether it is in the map before it stores, and the
    // reference is used for nothing else.
    let word = unsafe { AtomicU64::from_ptr(dest) };
    status(with!(map, map => map.store(word, value)).map_err(code))
}
