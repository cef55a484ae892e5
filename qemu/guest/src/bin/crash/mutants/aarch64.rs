//! AArch64's own bugs.

use core::arch::asm;

use kpmem::{Instruction, Lines, Table, arch};

use super::{BySize, Misdetect};

pub type Correct = arch::Cvap;

pub static MUTANTS: &[(&str, BySize)] = &[
    ("dmb-ishst", Table::of_sizes::<DmbIshst>()),
    ("dsb-ishst", Table::of_sizes::<DsbIshst>()),
    ("dsb-ishld", Table::of_sizes::<DsbIshld>()),
    ("dsb-nsh", Table::of_sizes::<DsbNsh>()),
    ("cvac-for-cvap", Table::of_sizes::<arch::Cvac>()),
    ("dropped-first", Table::of_sizes::<DroppedFirst>()),
    ("civac-alone", Table::of_sizes::<CivacAlone>()),
    // CTR_EL0.DminLine taken for the logarithm of 8-byte words: every second line.
    (
        "dminline-misread",
        [
            Table::of::<Lines<Correct, 32>>(),
            Table::of::<Lines<Correct, 64>>(),
            Table::of::<Lines<Correct, 128>>(),
            Table::of::<Lines<Correct, 256>>(),
            Table::of::<Lines<Correct, 512>>(),
        ],
    ),
];

/// The misread line size is above: for the longest lines the library has no table, and would
/// refuse.
pub static MISDETECTED: &[(&str, Misdetect)] = &[];

/// The correct clean with a barrier that does not complete it.
macro_rules! wrong_barrier {
    ($name:ident, $barrier:literal) => {
        struct $name;

        // SAFETY: none: this is the bug.
        unsafe impl Instruction for $name {
            const NAME: &'static str = "cvap";

            unsafe fn write_back(line: *const u8) {
                // SAFETY: the caller vouches for the line.
                unsafe { Correct::write_back(line) }
            }

            fn drain() {
                // SAFETY: a barrier touches no memory.
                unsafe { asm!($barrier, options(nostack, preserves_flags)) }
            }

            #[inline(always)]
            unsafe fn write_back_invalidate(line: *const u8) {
                // SAFETY: the caller's.
                unsafe { Self::write_back(line) }
            }
        }
    };
}

wrong_barrier!(DmbIshst, "dmb ishst");
wrong_barrier!(DsbIshst, "dsb ishst");
wrong_barrier!(DsbIshld, "dsb ishld");
wrong_barrier!(DsbNsh, "dsb nsh");

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

/// `dc civac` cleans too, but to the point of coherency only.
struct CivacAlone;

// SAFETY: none: this is the bug.
unsafe impl Instruction for CivacAlone {
    const NAME: &'static str = Correct::NAME;

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { Correct::write_back(line) }
    }

    fn drain() {
        Correct::drain();
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: as above.
        unsafe { arch::Cvac::write_back_invalidate(line) }
    }
}

/// Drops a line.
///
/// # Safety
/// It must be mapped, and hold nothing that matters.
pub unsafe fn discard(line: *const u8) {
    // SAFETY: the caller's.
    unsafe { asm!("dc ivac, {}", in(reg) line, options(nostack, preserves_flags)) }
}

/// A store: this instruction set has none that needs no flush.
///
/// # Safety
/// `to` must be valid for writes and aligned.
pub unsafe fn store_past_the_cache(to: *mut u64, word: u64) {
    // SAFETY: the caller's.
    unsafe { to.write_volatile(word) }
}

/// Zeroes 64 bytes, by `dc zva` where its block is that.
///
/// # Safety
/// `to` must be valid for writes of 64 bytes, and aligned to them.
pub unsafe fn zero(to: *mut u8) {
    let dczid: u64;
    // SAFETY: reading the register has no side effect; the block is the caller's 64 bytes.
    unsafe {
        asm!("mrs {}, DCZID_EL0", out(reg) dczid, options(nomem, nostack, preserves_flags));
        match dczid {
            4 => asm!("dc zva, {}", in(reg) to, options(nostack, preserves_flags)),
            _ => to.cast::<[u64; 8]>().write_volatile([0; 8]),
        }
    }
}
