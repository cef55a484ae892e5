//! The functions of a map, by its granularity.

use kpmem::{DrainFn, FlushFn, Granularity, Map, MemmoveFn, MemsetFn, PersistFn};

use crate::{failure::Result, page::PageMap};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Functions {
    pub(crate) persist: PersistFn,
    pub(crate) flush: FlushFn,
    pub(crate) drain: DrainFn,
    pub(crate) memmove: MemmoveFn,
    pub(crate) memset: MemsetFn,
}

/// The functions for a range, and what keeps those of a page map alive.
///
/// # Safety
/// As for [`Map::new`].
pub(crate) unsafe fn of(
    base: *mut u8,
    len: usize,
    granularity: Granularity,
) -> Result<(Functions, Option<PageMap>)> {
    if granularity == Granularity::Page {
        // SAFETY: the caller's.
        let page = unsafe { PageMap::new(base, len)? };
        return Ok((page.functions(), Some(page)));
    }
    // SAFETY: the caller's.
    let map = unsafe { Map::new(base, len, granularity)? };
    let table = map.table().functions();
    let functions = Functions {
        persist: table.persist,
        flush: table.flush,
        drain: table.drain,
        memmove: table.memmove,
        memset: table.memset,
    };
    Ok((functions, None))
}
