//! A window of pages that are unmapped unless a case maps them: guard pages by default.

use core::ops::Range;
use kpmem_runtime::{
    Machine,
    memory::PAGE,
    paging::{Memory, map_page, unmap_page},
};

/// Far from all that is mapped by its physical address.
const START: usize = 0x20_0000_0000;

/// Some pages of NVDIMM at virtual addresses of their own, unmapped again at the end.
pub struct Window {
    start: usize,
    mapped: Range<usize>,
}

impl Window {
    /// Maps the first `pages` pages of the NVDIMM, with unmapped ones before and behind.
    pub fn new(machine: &Machine, pages: usize) -> Self {
        Self::at(machine, START, pages)
    }

    /// Maps the last page of the address space, which ends at 2^64.
    pub fn top(machine: &Machine) -> Self {
        Self::at(machine, 0usize.wrapping_sub(PAGE), 1)
    }

    fn at(machine: &Machine, start: usize, pages: usize) -> Self {
        for page in 0..pages {
            let physical = machine.region().base + (page * PAGE) as u64;
            // SAFETY: the window's addresses are used by nothing else, and the NVDIMM is only
            // accessed through raw pointers.
            unsafe { map_page(start + page * PAGE, physical, Memory::Normal) };
        }
        Self {
            start,
            mapped: 0..pages,
        }
    }

    /// The address `offset` bytes behind the first mapped byte; the guard page before it has
    /// negative ones.
    pub fn ptr(&self, offset: isize) -> *mut u8 {
        self.start.wrapping_add_signed(offset) as *mut u8
    }

    /// Bytes that are mapped.
    pub fn len(&self) -> usize {
        self.mapped.len() * PAGE
    }

    /// Makes one page a guard page.
    pub fn unmap(&self, page: usize) {
        // SAFETY: only the case that made the window uses it.
        unsafe { unmap_page(self.start + page * PAGE) };
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.mapped.clone().for_each(|page| self.unmap(page));
    }
}

/// An address where nothing is mapped.
pub fn unmapped() -> *mut u8 {
    (START - PAGE) as *mut u8
}
