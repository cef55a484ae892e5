//! Page-table entries and CR3 (Intel SDM volume 3, "4-Level Paging and 5-Level Paging").

use super::smp;
use crate::paging::Memory;
use core::arch::asm;

/// Levels of the walk: 48-bit addresses.
pub const LEVELS: u32 = 4;

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Pages of devices: most are behind I/O ports.
pub const DEVICES: [u64; 1] = [smp::BASE as u64];

/// An entry that maps a page.
pub const fn leaf(physical: u64, memory: Memory) -> u64 {
    let cache = match memory {
        Memory::Normal => 0,
        Memory::Device => WRITE_THROUGH | CACHE_DISABLE,
    };
    physical | cache | PRESENT | WRITABLE
}

/// An entry that points to the next table.
pub const fn table(physical: u64) -> u64 {
    physical | PRESENT | WRITABLE
}

/// Where an entry points, unless it is empty.
pub const fn target(entry: u64) -> Option<u64> {
    if entry & PRESENT == 0 {
        None
    } else {
        Some(entry & ADDRESS)
    }
}

/// Makes the tables under `root` the address space.
///
/// # Safety
/// They must map what runs.
pub unsafe fn activate(root: u64) {
    // SAFETY: passed on to the caller.
    unsafe { asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) };
}

/// Makes a changed entry effective.
pub fn invalidate(virt: usize) {
    // SAFETY: forgetting a cached translation is always allowed.
    unsafe { asm!("invlpg [{}]", in(reg) virt, options(nostack, preserves_flags)) };
}
