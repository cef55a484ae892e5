//! Page-table entries and CR3 (Intel SDM volume 3, "4-Level Paging and 5-Level Paging").

use super::smp;
use crate::paging::{Entry, Memory};
use core::arch::{asm, x86_64::__cpuid};

/// Levels of the walk: 48-bit addresses.
pub const LEVELS: u32 = 4;
pub const VIRTUAL_BITS: u32 = 48;
/// The most that entries have room for.
pub const PHYSICAL_BITS: u32 = 52;

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
/// Above the last level: no table follows.
const LARGE: u64 = 1 << 7;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Pages of devices: most are behind I/O ports.
pub const DEVICES: [u64; 1] = [smp::BASE as u64];

/// Whether an address is canonical: the bits above are copies of the uppermost.
pub const fn is_address(virt: usize) -> bool {
    let above = usize::BITS - VIRTUAL_BITS;
    (virt as isize) << above >> above == virt as isize
}

/// The highest level whose entries may map pages: 1 GiB, where the CPU has it (Intel SDM volume 2,
/// "CPUID", leaf 8000_0001H), else 2 MiB.
pub fn largest() -> u32 {
    const PAGES_OF_1_GIB: u32 = 1 << 26;
    // Every CPU in long mode has the leaf.
    1 + u32::from(__cpuid(0x8000_0001).edx & PAGES_OF_1_GIB != 0)
}

/// An entry of a level that maps a page.
pub const fn leaf(physical: u64, memory: Memory, level: u32) -> u64 {
    let cache = match memory {
        Memory::Normal => 0,
        Memory::Device => WRITE_THROUGH | CACHE_DISABLE,
    };
    let large = if level > 0 { LARGE } else { 0 };
    physical | large | cache | PRESENT | WRITABLE
}

/// An entry that points to the next table.
pub const fn table(physical: u64) -> u64 {
    physical | PRESENT | WRITABLE
}

/// What an entry above the last level says.
pub const fn read(entry: u64) -> Entry {
    let address = entry & ADDRESS;
    if entry & PRESENT == 0 {
        Entry::Empty
    } else if entry & LARGE == 0 {
        Entry::Table(address)
    } else if entry & CACHE_DISABLE == 0 {
        Entry::Leaf(address, Memory::Normal)
    } else {
        Entry::Leaf(address, Memory::Device)
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
