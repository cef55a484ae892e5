//! `pmem2_deep_flush` by the hooks of the map's source.

use core::ffi::{c_int, c_void};

use kpmem::{Error, Granularity, Map};

use super::{
    codes::{self, Code},
    errors::answer,
    map::{Kind, Pmem2Map},
};

/// Moves a range to the deep domain that the hooks of the map's source reach, before it returns.
/// `PMEM2_E_DEEP_FLUSH_RANGE` if the range is not inside the map, `PMEM2_E_NOSUPP` if no domain was
/// given, or the hook's own negative errno.
///
/// # Safety
/// `map` must be a map that is not deleted meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_deep_flush(
    map: *const Pmem2Map,
    ptr: *mut c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller's.
    answer(unsafe { deep_flush(&*map, ptr.cast(), len) })
}

/// # Safety
/// The map must be live.
unsafe fn deep_flush(map: &Pmem2Map, ptr: *const u8, len: usize) -> Result<(), Code> {
    let outside = codes::DEEP_FLUSH_RANGE;
    let at = ptr.addr().checked_sub(map.start()).ok_or(outside)?;
    let room = map.len().checked_sub(at).ok_or(outside)?;
    if len > room {
        return Err(outside);
    }
    // SAFETY: the caller's.
    let (kind, hooks) = unsafe { (map.kind(), map.about().hooks) };
    let domain = hooks
        .as_ref()
        .and_then(|hooks| hooks.deep())
        .ok_or(codes::NOSUPP)?;
    let result = match kind {
        Kind::Page(map) => map.deep_flush(&domain, ptr, len),
        Kind::Table(map) => by_line(map).and_then(|map| map.deep_flush(&domain, ptr, len)),
    };
    result.map_err(|error| codes::of(&error))
}

/// A cache-line map of the range: a byte map's own persist would leave the bytes in the caches.
fn by_line(map: &Map) -> Result<Map, Error> {
    // SAFETY: who made the map vouches for the range, and what is durable once it has left the core
    // is so once its line was written back.
    unsafe { Map::new(map.address(), map.size(), Granularity::CacheLine) }
}
