//! Maps of what is mapped already.

use std::{
    ffi::{c_int, c_uint, c_void},
    ptr::null_mut,
};

use crate::{
    codes,
    failure::{Result, answer},
    granularity,
    map::{Map, What},
    maps,
    source::{Backing, Source},
};

/// # Safety
/// As for [`pmem2_map_from_existing`].
unsafe fn create(
    source: *const Source,
    base: *mut u8,
    len: usize,
    number: c_uint,
) -> Result<Box<Map>> {
    let granularity = granularity::from_c(number)?;
    if base.is_null() {
        return Err(codes::ADDRESS_NULL.into());
    }
    let last = len.checked_sub(1).ok_or(codes::LENGTH_OUT_OF_RANGE)?;
    base.addr().checked_add(last).ok_or(codes::MAP_RANGE)?;
    // SAFETY: the caller's.
    unsafe {
        let backing = source
            .as_ref()
            .map_or(Backing::Anonymous, |source| source.backing);
        let what = What {
            base,
            len,
            granularity,
            backing,
            private: false,
        };
        Map::new(what, None)
    }
}

/// A map of `len` bytes at `address`, which are mapped already and stay so: `pmem2_map_delete`
/// unmaps nothing. The source may be null, and may be deleted after this call.
///
/// # Safety
/// `map` must be valid for a write; `source` must be null or a source; the range must be as for
/// [`kpmem::Map::new`], as long as the map or one of its functions is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_from_existing(
    map: *mut *mut Map,
    source: *const Source,
    address: *mut c_void,
    len: usize,
    granularity: c_uint,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let created = create(source, address.cast(), len, granularity).map(maps::hand_out);
        *map = *created.as_ref().unwrap_or(&null_mut());
        answer(created.map(|_| ()))
    }
}
