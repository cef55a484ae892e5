//! Translation descriptors and registers (Arm ARM, "The AArch64 Virtual Memory System
//! Architecture").

use super::{fw_cfg, serial};
use crate::paging::{Entry, Memory};
use core::arch::asm;

/// Levels of the walk: 48-bit addresses in either half.
pub const LEVELS: u32 = 4;
pub const VIRTUAL_BITS: u32 = 48;
/// What `activate` says.
pub const PHYSICAL_BITS: u32 = 40;

/// Pages of devices.
pub const DEVICES: [u64; 2] = [serial::BASE as u64, fw_cfg::BASE as u64];

const VALID: u64 = 1;
const TABLE_OR_PAGE: u64 = 1 << 1;
const ACCESSED: u64 = 1 << 10;
const INNER_SHAREABLE: u64 = 3 << 8;
const EXECUTE_NEVER: u64 = 3 << 53;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// Attribute 0: Normal, write-back. Attribute 1: Device-nGnRE.
const MAIR: u64 = 0x04ff;
const DEVICE_INDEX: u64 = 1 << 2;

/// SCTLR_EL1: MMU, data cache, instruction cache.
const SCTLR_ON: u64 = 1 << 0 | 1 << 2 | 1 << 12;

/// Whether an address is in one of the halves.
pub const fn is_address(virt: usize) -> bool {
    matches!(virt >> VIRTUAL_BITS, 0 | 0xffff)
}

/// The highest level whose entries may map pages: of 1 GiB, with tables for pages of 4 KiB.
pub fn largest() -> u32 {
    2
}

/// An entry of a level that maps a page, readable and writable at EL1.
pub const fn leaf(physical: u64, memory: Memory, level: u32) -> u64 {
    let kind = match memory {
        Memory::Normal => INNER_SHAREABLE,
        Memory::Device => DEVICE_INDEX | EXECUTE_NEVER,
    };
    let page = if level == 0 { TABLE_OR_PAGE } else { 0 };
    physical | kind | ACCESSED | page | VALID
}

/// An entry that points to the next table.
pub const fn table(physical: u64) -> u64 {
    physical | TABLE_OR_PAGE | VALID
}

/// What an entry above the last level says.
pub const fn read(entry: u64) -> Entry {
    let address = entry & ADDRESS;
    if entry & VALID == 0 {
        Entry::Empty
    } else if entry & TABLE_OR_PAGE != 0 {
        Entry::Table(address)
    } else if entry & DEVICE_INDEX == 0 {
        Entry::Leaf(address, Memory::Normal)
    } else {
        Entry::Leaf(address, Memory::Device)
    }
}

/// Makes the tables under `root` the address space.
///
/// The lower and the upper half of the address space have a root each. Both get the same one: the
/// identity mapping lies in the lower half, and a test maps the very last page in the upper.
///
/// # Safety
/// They must map what runs.
pub unsafe fn activate(root: u64) {
    let half = 16 // addresses of 48 bits
        | 1 << 8 | 1 << 10 // walks: write-back
        | 3 << 12; // and inner shareable
    let (granule_low, granule_high) = (0 << 14, 2 << 30); // 4 KiB, in two encodings
    let address_size = 2 << 32; // 40 bits
    let tcr: u64 = half | half << 16 | granule_low | granule_high | address_size;
    // SAFETY: passed on to the caller.
    unsafe {
        asm!(
            "msr mair_el1, {mair}",
            "msr tcr_el1, {tcr}",
            "msr ttbr0_el1, {root}",
            "msr ttbr1_el1, {root}",
            "dsb sy",
            "isb",
            "tlbi vmalle1",
            "dsb sy",
            "isb",
            "mrs {sctlr}, sctlr_el1",
            "orr {sctlr}, {sctlr}, {on}",
            "msr sctlr_el1, {sctlr}",
            "isb",
            mair = in(reg) MAIR,
            tcr = in(reg) tcr,
            root = in(reg) root,
            sctlr = out(reg) _,
            on = in(reg) SCTLR_ON,
            options(nostack, preserves_flags),
        );
    }
}

/// Makes a changed entry effective.
pub fn invalidate(virt: usize) {
    // SAFETY: forgetting a cached translation is always allowed. The operand is a page number of 44
    // bits, without the address space's number.
    unsafe {
        asm!(
            "dsb ishst",
            "tlbi vaae1, {}",
            "dsb ish",
            "isb",
            in(reg) virt as u64 >> 12 & ((1 << 44) - 1),
            options(nostack, preserves_flags),
        );
    }
}
