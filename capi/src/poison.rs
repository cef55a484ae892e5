//! Poison: bytes that are known to be bad.

use core::{
    ffi::{c_int, c_void},
    sync::atomic::AtomicUsize,
};

use kpmem::poison::Poison;

use crate::{
    error::{KPMEM_E_ARGUMENT, code, status},
    handle::{Held, answer, get, put},
    map::{avoid, kpmem_map, with},
};

/// Bytes of a [`kpmem_poison`].
pub const KPMEM_POISON_SIZE: usize = 32;
/// [`kpmem::poison::UNIT`]
pub const KPMEM_POISON_UNIT: usize = 64;

const _: () = assert!(KPMEM_POISON_UNIT == kpmem::poison::UNIT);

/// A list of poisoned bytes.
#[repr(C)]
#[derive(Debug)]
pub struct kpmem_poison {
    opaque: [u64; 4],
}

/// What the platform does before poison is cleared; 0, or a code of its own.
pub type kpmem_clear_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, ptr: *mut c_void, len: usize) -> c_int>;
/// A copy whose loads may fault: how many bytes at the end were not copied.
pub type kpmem_copy_mc_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        dest: *mut c_void,
        src: *const c_void,
        len: usize,
    ) -> usize,
>;

impl Held for Poison<'static> {
    type Handle = kpmem_poison;
    const KIND: usize = 4;
    const SIZE: usize = KPMEM_POISON_SIZE;
}

/// [`Poison::new`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_poison_init(
    poison: *mut kpmem_poison,
    slots: *mut usize,
    count: usize,
) -> c_int {
    if slots.is_null() || !slots.is_aligned() {
        return KPMEM_E_ARGUMENT;
    }
    // SAFETY: the caller vouches for `count` words that stay as long as the list, which nothing
    // else uses.
    let slots: &'static [AtomicUsize] = unsafe { core::slice::from_raw_parts(slots.cast(), count) };
    slots
        .iter()
        .for_each(|slot| slot.store(0, core::sync::atomic::Ordering::Relaxed));
    // SAFETY: the caller vouches for the handle.
    status(unsafe { put(poison, Poison::new(slots)) })
}

/// [`Poison::add`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_poison_add(
    poison: *const kpmem_poison,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let list = unsafe { get::<Poison<'static>>(poison) };
    status(list.and_then(|list| list.add(ptr.cast(), len).map_err(code)))
}

/// [`Poison::first`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_poison_first(
    poison: *const kpmem_poison,
    ptr: *const c_void,
    len: usize,
    first: *mut usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and place.
    status(unsafe {
        get::<Poison<'static>>(poison).and_then(|list| {
            let found = list.first(ptr.cast(), len);
            answer(first, found.ok_or(crate::error::KPMEM_E_NO_MORE)?)
        })
    })
}

/// [`Map::avoiding`](kpmem::Map::avoiding)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_avoid(
    map: *mut kpmem_map,
    poison: *const kpmem_poison,
) -> c_int {
    // SAFETY: the caller vouches for both handles, and that the list stays as long as the map.
    status(unsafe { get::<Poison<'static>>(poison).and_then(|list| avoid(map, list)) })
}

/// `Map::clear`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_clear(
    map: *const kpmem_map,
    ptr: *mut c_void,
    len: usize,
    platform: kpmem_clear_fn,
    context: *mut c_void,
) -> c_int {
    let ask = |ptr: *mut u8, len| match platform {
        None => Ok(()),
        // SAFETY: the caller vouches for the function.
        Some(platform) => match unsafe { platform(context, ptr.cast(), len) } {
            0 => Ok(()),
            code => Err(code),
        },
    };
    // SAFETY: the caller vouches for handle and range.
    status(unsafe {
        get(map).and_then(|map| with!(map, map => map.clear(ptr.cast(), len, ask)).map_err(code))
    })
}

/// `Map::read_mcsafe`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_read_mcsafe(
    map: *const kpmem_map,
    dest: *mut c_void,
    src: *const c_void,
    len: usize,
    copy: kpmem_copy_mc_fn,
    context: *mut c_void,
) -> c_int {
    let Some(copy) = copy else {
        return KPMEM_E_ARGUMENT;
    };
    if dest.is_null() && len > 0 {
        return KPMEM_E_ARGUMENT;
    }
    let copy = |dest: *mut u8, src: *const u8, len| {
        // SAFETY: the caller vouches for the function.
        unsafe { copy(context, dest.cast(), src.cast(), len) }
    };
    // SAFETY: the caller vouches for handle and ranges.
    status(unsafe {
        get(map).and_then(|map| {
            with!(map, map => map.read_mcsafe(dest.cast(), src.cast(), len, copy)).map_err(code)
        })
    })
}
