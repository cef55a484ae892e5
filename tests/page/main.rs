//! Page granularity: the hook's two parts, plain function pointers that find hooks by address, and
//! failures that are reported.
#![cfg(feature = "page")]

mod hook;
mod pointers;
mod reports;

use kpmem::{Error, Hook, Map, PageSlot, Paged, Registered};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The registry is global, so the tests of this file take turns.
static TURN: Mutex<()> = Mutex::new(());
static SLOTS: [PageSlot; 3] = [const { PageSlot::new() }; 3];

fn my_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device that remembers what it was asked to sync, and answers `code`.
#[derive(Default)]
struct Device {
    flushed: Mutex<Vec<(usize, usize)>>,
    drains: Mutex<usize>,
    code: Mutex<i32>,
}

impl Device {
    fn answer(&self, code: i32) {
        *self.code.lock().unwrap() = code;
    }

    fn answered(&self) -> Result<(), i32> {
        match *self.code.lock().unwrap() {
            0 => Ok(()),
            code => Err(code),
        }
    }

    fn flushed(&self) -> Vec<(usize, usize)> {
        std::mem::take(&mut self.flushed.lock().unwrap())
    }

    fn drains(&self) -> usize {
        std::mem::take(&mut self.drains.lock().unwrap())
    }

    fn map(&self, base: usize, len: usize) -> Map<Paged<&Self>> {
        // SAFETY: nothing is stored to the range.
        unsafe { Map::with_hook(at(base), len, self) }.unwrap()
    }
}

impl Hook for Device {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        self.flushed.lock().unwrap().push((ptr.addr(), len));
        self.answered()
    }

    fn drain(&self) -> Result<(), i32> {
        *self.drains.lock().unwrap() += 1;
        self.answered()
    }
}

fn at(address: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(address)
}

fn register<'m, H: Hook>(map: &'m Map<Paged<H>>, slot: usize) -> Result<Registered<'m>, Error> {
    // SAFETY: each test drops the registration before the map.
    unsafe { map.register(&SLOTS[slot]) }
}
