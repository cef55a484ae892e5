//! RISC-V's own bugs.

use core::arch::asm;

use kpmem::{
    Instruction, Table,
    arch::{self, Cpu},
};

use super::{BySize, Misdetect};

pub type Correct = arch::CboClean;

pub static MUTANTS: &[(&str, BySize)] = &[
    ("fence-r-r", Table::of_sizes::<FenceRR>()),
    ("fence-w-w", Table::of_sizes::<FenceWW>()),
    ("fence-i", Table::of_sizes::<FenceI>()),
    ("cbo-inval", Table::of_sizes::<CboInval>()),
    ("dropped-first", Table::of_sizes::<DroppedFirst>()),
];

pub static MISDETECTED: &[(&str, Misdetect)] = &[
    // Wrong where blocks are smaller; where they are larger it cleans blocks several times and is
    // slow but right.
    ("block-size-assumed-64", |cpu| Cpu { line: 64, ..cpu }),
];

/// The correct clean with a fence that does not order it, or not before a device write.
macro_rules! wrong_fence {
    ($name:ident, $fence:literal) => {
        struct $name;

        // SAFETY: none: this is the bug.
        unsafe impl Instruction for $name {
            const NAME: &'static str = "zicbom";

            unsafe fn write_back(line: *const u8) {
                // SAFETY: the caller vouches for the line.
                unsafe { Correct::write_back(line) }
            }

            fn drain() {
                // SAFETY: a fence touches no memory.
                unsafe { asm!($fence, options(nostack, preserves_flags)) }
            }

            #[inline(always)]
            unsafe fn write_back_invalidate(line: *const u8) {
                // SAFETY: the caller's.
                unsafe { Self::write_back(line) }
            }
        }
    };
}

wrong_fence!(FenceRR, "fence r, r");
wrong_fence!(FenceWW, "fence w, w");
wrong_fence!(FenceI, "fence.i");

/// Discards the block instead of writing it back.
struct CboInval;

// SAFETY: none: this is the bug.
unsafe impl Instruction for CboInval {
    const NAME: &'static str = "zicbom";

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the block; emulation has no cache that could lose it.
        unsafe { discard(line) }
    }

    fn drain() {
        Correct::drain();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// Drops a line, and writes it back then: too late.
struct DroppedFirst;

// SAFETY: none: this is the bug.
unsafe impl Instruction for DroppedFirst {
    const NAME: &'static str = Correct::NAME;

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { Correct::write_back(line) }
    }

    fn drain() {
        Correct::drain();
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: as above; emulation has no cache that could lose it.
        unsafe {
            discard(line);
            Correct::write_back(line);
        }
    }
}

/// Drops a block.
///
/// # Safety
/// It must be mapped, and hold nothing that matters.
pub unsafe fn discard(line: *const u8) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            ".option push",
            ".option arch, +zicbom",
            "cbo.inval ({})",
            ".option pop",
            in(reg) line,
            options(nostack, preserves_flags),
        );
    }
}

/// A store: this instruction set has none that needs no flush.
///
/// # Safety
/// `to` must be valid for writes and aligned.
pub unsafe fn store_past_the_cache(to: *mut u64, word: u64) {
    // SAFETY: the caller's.
    unsafe { to.write_volatile(word) }
}

/// Zeroes 64 bytes by `cbo.zero`, whose block is that in QEMU.
///
/// # Safety
/// `to` must be valid for writes of 64 bytes, and aligned to them.
pub unsafe fn zero(to: *mut u8) {
    // SAFETY: the caller's; the boot code enabled the instruction.
    unsafe {
        asm!(
            ".option push",
            ".option arch, +zicboz",
            "cbo.zero ({})",
            ".option pop",
            in(reg) to,
            options(nostack, preserves_flags),
        );
    }
}
