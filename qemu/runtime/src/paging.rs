//! Page tables: one walker for all three architectures, which have 512 entries in a table and
//! 4 KiB in a page in common. Entries and root register are the architecture's.
//!
//! Everything that is mapped by default is mapped at its physical address: the image, the devices
//! and the NVDIMM. Whatever else is touched is a trap.

use crate::{
    arch::mmu,
    memory::{self, PAGE},
    stack,
};
use core::sync::atomic::{AtomicU64, Ordering};
use kpmem::firmware::Region;

/// How memory is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Write-back cached, for RAM and NVDIMM.
    Normal,
    /// Uncached and in order, for devices.
    Device,
}

const INDEX_BITS: u32 = 9;
const ENTRIES: usize = 1 << INDEX_BITS;

/// Physical address of the top table.
static ROOT: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    static kpmem_image_start: u8;
    static kpmem_image_end: u8;
}

/// Builds the address space and turns it on.
///
/// # Safety
/// Once, while everything is still reached at its physical address.
pub(crate) unsafe fn init(regions: &[Region]) {
    ROOT.store(memory::page() as u64, Ordering::Relaxed);
    let (start, end) = (&raw const kpmem_image_start, &raw const kpmem_image_end);
    let image = Region {
        base: start as u64,
        len: end as u64 - start as u64,
    };
    // SAFETY: the identity mapping of what is in use; the caller vouches for the moment.
    unsafe {
        for region in [image].iter().chain(regions) {
            map_identity(*region, Memory::Normal);
        }
        stack::guards().for_each(|page| unmap_page(page));
        for base in mmu::DEVICES {
            map_identity(
                Region {
                    base,
                    len: PAGE as u64,
                },
                Memory::Device,
            );
        }
        mmu::activate(ROOT.load(Ordering::Relaxed));
    }
}

/// Turns the address space on for a further CPU.
///
/// # Safety
/// After [`init`], from code and stack that are reached at their physical address.
pub(crate) unsafe fn join() {
    // SAFETY: the tables map what they are in; the caller vouches for the rest.
    unsafe { mmu::activate(ROOT.load(Ordering::Relaxed)) };
}

/// Maps the pages that a range of physical addresses touches at the same virtual ones, readable and
/// writable. A range that wraps is a panic.
///
/// # Safety
/// As [`map_page`], for each of them.
pub unsafe fn map_identity(region: Region, memory: Memory) {
    let end = region
        .base
        .checked_add(region.len)
        .expect("no region wraps");
    let first = region.base & !(PAGE as u64 - 1);
    for page in (first..end).step_by(PAGE) {
        // SAFETY: passed on to the caller.
        unsafe { map_page(page as usize, page, memory) };
    }
}

/// Maps the page at `virt` to the one at `physical`, readable and writable. A second CPU that
/// touched the page before may go on with what was there.
///
/// # Safety
/// Nothing may rely on what was mapped at `virt`, and no Rust reference may be broken by what is
/// written through the new mapping.
pub unsafe fn map_page(virt: usize, physical: u64, memory: Memory) {
    // SAFETY: the caller vouches for the address space.
    unsafe { *entry(virt) = mmu::leaf(physical, memory) };
    mmu::invalidate(virt);
}

/// Unmaps a page: touching it is a fault.
///
/// # Safety
/// Nothing may rely on the page.
pub unsafe fn unmap_page(virt: usize) {
    // SAFETY: the caller vouches for the address space.
    unsafe { *entry(virt) = 0 };
    mmu::invalidate(virt);
}

/// The last-level entry of a page. Missing tables on the way are made.
fn entry(virt: usize) -> *mut u64 {
    assert!(virt.is_multiple_of(PAGE), "{virt:#x} is no page");
    let mut table = ROOT.load(Ordering::Relaxed);
    for level in (1..mmu::LEVELS).rev() {
        let slot = slot(table, virt, level);
        // SAFETY: a slot of a table that this module made; tables are never freed.
        table = unsafe {
            if mmu::target(*slot).is_none() {
                *slot = mmu::table(memory::page() as u64);
            }
            mmu::target(*slot).expect("just made")
        };
    }
    slot(table, virt, 0)
}

/// The entry of a table that a walk for `virt` looks at.
fn slot(table: u64, virt: usize, level: u32) -> *mut u64 {
    let index = virt >> (PAGE.ilog2() + level * INDEX_BITS) & (ENTRIES - 1);
    (table as *mut u64).wrapping_add(index)
}
