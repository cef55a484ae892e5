//! Page tables: one walker for all three architectures, which have 512 entries in a table and
//! 4 KiB in a page in common. Entries and root register are the architecture's.
//!
//! Everything that is mapped by default is mapped at its physical address: the image, the devices
//! and the NVDIMM. Whatever else is touched is a trap.
//!
//! A range is mapped by the largest pages that its ends allow, 1 GiB or 2 MiB: an NVDIMM of any
//! size takes a handful of tables. Where one page of such a large one is mapped or unmapped by
//! itself, it becomes smaller ones.

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

/// What an entry above the last level says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Empty,
    /// The physical address of the next table.
    Table(u64),
    /// The physical address of a large page, and how it is cached.
    Leaf(u64, Memory),
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
        // By small pages: what runs, and its stack, must never become other pages.
        map_range(image, Memory::Normal, 0);
        for region in regions {
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

/// Whether a range can be mapped at its physical address: the address space reaches so far, and so
/// do the tables, of which there may be half of the memory that is left.
pub(crate) fn can_map(region: Region) -> bool {
    let last = region.base.checked_add(region.len.saturating_sub(1));
    let Some(last) = last.filter(|last| last >> mmu::PHYSICAL_BITS == 0) else {
        return false;
    };
    let shift = |level| PAGE.ilog2() + level * INDEX_BITS;
    let entries = |level| (last >> shift(level)) - (region.base >> shift(level)) + 1;
    // A table below each entry that is above the largest pages, and below those two a level, where
    // the ends are no large pages.
    let above: u64 = (mmu::largest() + 1..mmu::LEVELS).map(entries).sum();
    let tables = above + 2 * u64::from(mmu::largest());
    let room = memory::left() / PAGE / 2;
    mmu::is_address(last as usize) && tables <= room as u64
}

/// Maps the pages that a range of physical addresses touches at the same virtual ones, readable and
/// writable.
///
/// # Panics
/// The range wraps, or is not in the address space; or as [`memory`](crate::memory::allocate).
///
/// # Safety
/// As [`map_page`], for each of them.
pub unsafe fn map_identity(region: Region, memory: Memory) {
    // SAFETY: passed on to the caller.
    unsafe { map_range(region, memory, mmu::largest()) };
}

/// The same, by pages of a level at most.
unsafe fn map_range(region: Region, memory: Memory, most: u32) {
    let end = region
        .base
        .checked_add(region.len)
        .expect("no region wraps");
    let mut at = region.base & !(PAGE as u64 - 1);
    while at < end {
        let fits = |level: &u32| {
            let size = size(*level);
            at.is_multiple_of(size) && end - at >= size
        };
        let level = (0..=most).rev().find(fits).unwrap_or(0);
        // SAFETY: passed on to the caller.
        at += size(unsafe { map(at as usize, at, memory, level) });
    }
}

/// Bytes of a page that an entry of a level maps.
const fn size(level: u32) -> u64 {
    (PAGE as u64) << (level * INDEX_BITS)
}

/// Maps the page at `virt` to the one at `physical`, readable and writable. A second CPU that
/// touched the page before may go on with what was there; and if the page is a part of a large one,
/// must not touch that meanwhile.
///
/// # Panics
/// `virt` or `physical` is no page, or not an address: on x86_64 and riscv64 `virt` must be
/// canonical (of 48 and 39 bits), on aarch64 its upper 16 bits are all alike. There is no memory
/// left for a table.
///
/// # Safety
/// Nothing may rely on what was mapped at `virt`, and no Rust reference may be broken by what is
/// written through the new mapping.
pub unsafe fn map_page(virt: usize, physical: u64, memory: Memory) {
    // SAFETY: passed on to the caller.
    unsafe { map(virt, physical, memory, 0) };
}

/// Maps a page of a level, or a smaller one if there are smaller ones already. The level of what
/// was mapped.
unsafe fn map(virt: usize, physical: u64, memory: Memory, level: u32) -> u32 {
    assert!(
        physical.is_multiple_of(PAGE as u64) && physical >> mmu::PHYSICAL_BITS == 0,
        "{physical:#x} is no page of physical memory"
    );
    let mut level = level;
    let mut slot = entry(virt, level);
    // SAFETY: slots of tables that this module made; the caller vouches for the address space.
    unsafe {
        while level > 0 && matches!(mmu::read(*slot), Entry::Table(_)) {
            level -= 1;
            slot = entry(virt, level);
        }
        *slot = mmu::leaf(physical, memory, level);
    }
    mmu::invalidate(virt);
    level
}

/// Unmaps a page: touching it is a fault. As for [`map_page`], a second CPU must not touch the
/// large page meanwhile that it may be a part of.
///
/// # Panics
/// `virt` is no page, or not an address, as for [`map_page`]. There is no memory left for a table.
///
/// # Safety
/// Nothing may rely on the page.
pub unsafe fn unmap_page(virt: usize) {
    // SAFETY: the caller vouches for the address space.
    unsafe { *entry(virt, 0) = 0 };
    mmu::invalidate(virt);
}

/// The entry of a level for a page. Missing tables on the way are made, and large pages become
/// smaller ones.
fn entry(virt: usize, level: u32) -> *mut u64 {
    assert!(virt.is_multiple_of(PAGE), "{virt:#x} is no page");
    assert!(
        mmu::is_address(virt),
        "{virt:#x} is no address: this CPU has virtual addresses of {} bits",
        mmu::VIRTUAL_BITS
    );
    let mut table = ROOT.load(Ordering::Relaxed);
    for above in (level + 1..mmu::LEVELS).rev() {
        let slot = slot(table, virt, above);
        // SAFETY: a slot of a table that this module made; tables are never freed.
        table = match mmu::read(unsafe { *slot }) {
            Entry::Table(next) => next,
            old => {
                let next = memory::page().cast::<u64>();
                if let Entry::Leaf(physical, memory) = old {
                    for index in 0..ENTRIES {
                        let part = physical + index as u64 * size(above - 1);
                        // SAFETY: an entry of the new table.
                        unsafe { next.add(index).write(mmu::leaf(part, memory, above - 1)) };
                    }
                    // Break before make (Arm ARM, "TLB maintenance requirements and the TLB
                    // maintenance instructions").
                    // SAFETY: the slot above. Code, stacks and tables are in no large page.
                    unsafe { *slot = 0 };
                    mmu::invalidate(virt);
                }
                // SAFETY: the slot above.
                unsafe { *slot = mmu::table(next as u64) };
                next as u64
            }
        };
    }
    slot(table, virt, level)
}

/// The entry of a table that a walk for `virt` looks at.
fn slot(table: u64, virt: usize, level: u32) -> *mut u64 {
    let index = virt >> (PAGE.ilog2() + level * INDEX_BITS) & (ENTRIES - 1);
    (table as *mut u64).wrapping_add(index)
}
