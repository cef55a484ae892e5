//! Sv39 page-table entries and `satp` (RISC-V Privileged Architecture, "Sv39: Page-Based 39-bit
//! Virtual-Memory System").

use super::{exit, fw_cfg, serial, smp};
use crate::paging::{Entry, Memory};
use core::arch::asm;

/// Levels of the walk: 39-bit addresses.
pub const LEVELS: u32 = 3;
pub const VIRTUAL_BITS: u32 = 39;
/// The most that entries have room for.
pub const PHYSICAL_BITS: u32 = 56;

/// Pages of devices.
pub const DEVICES: [u64; 5] = [
    serial::BASE as u64,
    fw_cfg::BASE as u64,
    exit::BASE as u64,
    smp::BASES[0] as u64,
    smp::BASES[1] as u64,
];

const VALID: u64 = 1;
const READ_WRITE_EXECUTE: u64 = 7 << 1;
const ACCESSED_DIRTY: u64 = 3 << 6;
const NUMBER_SHIFT: u32 = 10;
const NUMBER: u64 = (1 << 44) - 1;
const SV39: u64 = 8 << 60;

/// Whether the bits above are copies of the uppermost.
pub const fn is_address(virt: usize) -> bool {
    let above = usize::BITS - VIRTUAL_BITS;
    (virt as isize) << above >> above == virt as isize
}

/// The highest level whose entries may map pages: of 1 GiB.
pub fn largest() -> u32 {
    2
}

/// An entry that maps a page, at any level. How it is cached is fixed by the platform (physical
/// memory attributes).
pub const fn leaf(physical: u64, _: Memory, _: u32) -> u64 {
    physical >> 12 << NUMBER_SHIFT | ACCESSED_DIRTY | READ_WRITE_EXECUTE | VALID
}

/// An entry that points to the next table.
pub const fn table(physical: u64) -> u64 {
    physical >> 12 << NUMBER_SHIFT | VALID
}

/// What an entry above the last level says.
pub const fn read(entry: u64) -> Entry {
    let address = (entry >> NUMBER_SHIFT & NUMBER) << 12;
    if entry & VALID == 0 {
        Entry::Empty
    } else if entry & READ_WRITE_EXECUTE == 0 {
        Entry::Table(address)
    } else {
        Entry::Leaf(address, Memory::Normal)
    }
}

/// Makes the tables under `root` the address space.
///
/// # Safety
/// They must map what runs.
pub unsafe fn activate(root: u64) {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!(
            "sfence.vma",
            "csrw satp, {}",
            "sfence.vma",
            in(reg) SV39 | root >> 12,
            options(nostack, preserves_flags),
        );
    }
}

/// Makes a changed entry effective.
pub fn invalidate(virt: usize) {
    // SAFETY: forgetting a cached translation is always allowed.
    unsafe { asm!("sfence.vma {}", in(reg) virt, options(nostack, preserves_flags)) };
}
