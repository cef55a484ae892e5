//! All maps of the program: which ranges have one, and which pointers are one.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use crate::{codes, failure::Result, map::Map};

#[derive(Debug, Default)]
struct Maps {
    /// The last byte of each range, and its map, by the first.
    ranges: BTreeMap<usize, usize>,
    live: HashSet<usize>,
}

static MAPS: Mutex<Option<Maps>> = Mutex::new(None);

fn locked() -> MutexGuard<'static, Option<Maps>> {
    MAPS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A range that no other map may cover, until it is dropped.
#[derive(Debug)]
pub(crate) struct Range {
    first: usize,
}

impl Range {
    /// Takes a range, not empty, that does not wrap.
    pub(crate) fn take(first: usize, last: usize) -> Result<Self> {
        let mut guard = locked();
        let ranges = &mut guard.get_or_insert_default().ranges;
        let before = ranges.range(..=last).next_back();
        if before.is_some_and(|(_, end)| *end >= first) {
            return Err(codes::MAP_EXISTS.into());
        }
        ranges.insert(first, last);
        Ok(Self { first })
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        locked().get_or_insert_default().ranges.remove(&self.first);
    }
}

/// Hands a map to the caller.
pub(crate) fn hand_out(map: Box<Map>) -> *mut Map {
    let map = Box::into_raw(map);
    locked().get_or_insert_default().live.insert(map.addr());
    map
}

/// Takes a map back, if the pointer is one that is not deleted.
///
/// # Safety
/// Nobody else may use that map.
pub(crate) unsafe fn take_back(map: *mut Map) -> Result<Box<Map>> {
    if !locked().get_or_insert_default().live.remove(&map.addr()) {
        return Err(codes::MAPPING_NOT_FOUND.into());
    }
    // SAFETY: `hand_out` made it of a box, and it is taken back once.
    Ok(unsafe { Box::from_raw(map) })
}
