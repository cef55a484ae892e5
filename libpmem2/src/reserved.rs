//! Address space that is kept for maps, and which parts of it have one.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use rustix::{mm::MapFlags, param::page_size};

use crate::{
    codes,
    failure::{Failure, Result},
    map::Map,
    mapped::{Place, alignment_for, hold, unmap},
};

/// `struct pmem2_vm_reservation`.
#[derive(Debug)]
pub struct Reservation(Mutex<State>);

#[derive(Debug)]
struct State {
    base: *mut u8,
    size: usize,
    /// What is taken, by its first byte.
    taken: BTreeMap<usize, Taken>,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    len: usize,
    /// Null until it is made.
    map: *mut Map,
}

fn aligned(value: usize, what: codes::Code) -> Result<()> {
    if value.is_multiple_of(page_size()) {
        return Ok(());
    }
    let text = format!("{value:#x} is not a multiple of {:#x}", page_size());
    Err(Failure::new(what, text))
}

impl State {
    /// The first that has a byte of the range.
    fn taken_in(&self, first: usize, len: usize) -> Option<Taken> {
        let behind = first.saturating_add(len);
        let mut all = self.taken.iter();
        let found = all.find(|(at, taken)| **at < behind && **at + taken.len > first);
        found.map(|(_, taken)| *taken)
    }
}

impl Reservation {
    /// Takes address space: at an address, or anywhere.
    pub(crate) fn new(at: *mut u8, size: usize) -> Result<Self> {
        aligned(at.addr(), codes::ADDRESS_UNALIGNED)?;
        aligned(size, codes::LENGTH_UNALIGNED)?;
        let base = if size == 0 {
            at
        } else if at.is_null() {
            let place = Place::anywhere(size, alignment_for(size))?;
            std::mem::ManuallyDrop::new(place).base
        } else {
            hold(at, size, MapFlags::FIXED_NOREPLACE)?
        };
        Ok(Self(Mutex::new(State {
            base,
            size,
            taken: BTreeMap::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.state().base
    }

    pub(crate) fn size(&self) -> usize {
        self.state().size
    }

    /// Gives the address space up.
    pub(crate) fn leave(&self) -> Result<()> {
        let state = self.state();
        if !state.taken.is_empty() {
            return Err(codes::VM_RESERVATION_NOT_EMPTY.into());
        }
        // SAFETY: it is ours, and nothing is in it.
        unsafe { unmap(state.base, state.size) }
    }

    /// A part of it for a map.
    pub(crate) fn place(&self, offset: usize, len: usize) -> Result<Place> {
        let mut state = self.state();
        if state.size.checked_sub(offset).is_none_or(|room| room < len) {
            let text = format!("{len:#x} bytes at {offset:#x} are not inside the reservation");
            return Err(Failure::new(codes::LENGTH_OUT_OF_RANGE, text));
        }
        let base = state.base.wrapping_add(offset);
        if state.taken_in(base.addr(), len).is_some() {
            return Err(codes::MAPPING_EXISTS.into());
        }
        let map = std::ptr::null_mut();
        state.taken.insert(base.addr(), Taken { len, map });
        Ok(Place {
            base,
            len,
            reservation: self,
        })
    }

    /// The map that was made in a part.
    pub(crate) fn remember(&self, base: *mut u8, map: *mut Map) {
        if let Some(taken) = self.state().taken.get_mut(&base.addr()) {
            taken.map = map;
        }
    }

    /// Takes a part back, in which there is nothing any more.
    pub(crate) fn take_back(&self, base: *mut u8) {
        self.state().taken.remove(&base.addr());
    }

    pub(crate) fn extend(&self, size: usize) -> Result<()> {
        aligned(size, codes::LENGTH_UNALIGNED)?;
        let mut state = self.state();
        if size == 0 {
            return Ok(());
        }
        let end = state.base.wrapping_add(state.size);
        hold(end, size, MapFlags::FIXED_NOREPLACE)?;
        state.size += size;
        Ok(())
    }

    /// Gives up the first or the last part, in which no map may be.
    pub(crate) fn shrink(&self, offset: usize, size: usize) -> Result<()> {
        aligned(offset, codes::OFFSET_UNALIGNED)?;
        aligned(size, codes::LENGTH_UNALIGNED)?;
        let mut state = self.state();
        if offset >= state.size {
            return Err(codes::OFFSET_OUT_OF_RANGE.into());
        }
        if size == 0 || size > state.size - offset {
            return Err(codes::LENGTH_OUT_OF_RANGE.into());
        }
        let (first, last) = (offset == 0, offset + size == state.size);
        if first == last {
            let text = "only the beginning or the end of a reservation can be given up".to_owned();
            return Err(Failure::new(codes::NOSUPP, text));
        }
        let base = state.base.wrapping_add(offset);
        if state.taken_in(base.addr(), size).is_some() {
            return Err(codes::VM_RESERVATION_NOT_EMPTY.into());
        }
        // SAFETY: it is ours, and nothing is in it.
        unsafe { unmap(base, size)? };
        state.size -= size;
        if first {
            state.base = state.base.wrapping_add(size);
        }
        Ok(())
    }

    /// The first map that has a byte of the range, or its first byte if it is empty.
    pub(crate) fn find(&self, offset: usize, len: usize) -> Option<*mut Map> {
        let state = self.state();
        let first = state.base.addr().saturating_add(offset);
        state.taken_in(first, len.max(1)).map(|taken| taken.map)
    }

    /// All maps, in the order of their addresses.
    pub(crate) fn all(&self) -> Vec<*mut Map> {
        self.state().taken.values().map(|taken| taken.map).collect()
    }
}
