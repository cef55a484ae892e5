//! Maps, and their end.

use std::{ffi::c_int, ptr::null_mut};

use kpmem::Granularity;

use crate::{
    failure::{Result, answer},
    functions::{self, Functions},
    mapped::Place,
    maps::{self, Range},
    page::PageMap,
    source::Backing,
};

/// `struct pmem2_map`. Its parts are dropped in this order.
#[derive(Debug)]
pub struct Map {
    pub(crate) base: *mut u8,
    pub(crate) len: usize,
    pub(crate) granularity: Granularity,
    pub(crate) functions: Functions,
    pub(crate) backing: Backing,
    pub(crate) private: bool,
    /// Lets function pointers find a page map.
    page: Option<PageMap>,
    range: Range,
    /// None if it was mapped by somebody else.
    place: Option<Place>,
}

/// What a map is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What {
    pub(crate) base: *mut u8,
    pub(crate) len: usize,
    pub(crate) granularity: Granularity,
    pub(crate) backing: Backing,
    pub(crate) private: bool,
}

impl Map {
    /// # Safety
    /// As for [`kpmem::Map::new`].
    pub(crate) unsafe fn new(what: What, place: Option<Place>) -> Result<Box<Self>> {
        let What {
            base,
            len,
            granularity,
            backing,
            private,
        } = what;
        let range = Range::take(base.addr(), base.addr() + (len - 1))?;
        // SAFETY: the caller's.
        let (functions, page) = unsafe { functions::of(base, len, granularity)? };
        Ok(Box::new(Self {
            base,
            len,
            granularity,
            functions,
            backing,
            private,
            page,
            range,
            place,
        }))
    }

    fn delete(self) -> Result<()> {
        let Self {
            page, range, place, ..
        } = self;
        drop(page);
        drop(range);
        place.map_or(Ok(()), Place::leave)
    }
}

/// Deletes a map and sets the pointer to null. What `pmem2_map_new` has mapped is unmapped.
/// `PMEM2_E_MAPPING_NOT_FOUND` if it is no map, or deleted already.
///
/// # Safety
/// `map` must be valid. Nobody else may use that map, its range or be in one of its functions; a
/// reservation that it is in must live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_map_delete(map: *mut *mut Map) -> c_int {
    // SAFETY: the caller's.
    answer(unsafe {
        maps::take_back(*map).and_then(|taken| {
            *map = null_mut();
            taken.delete()
        })
    })
}
