//! The stores of AArch64 on general registers: `stp`, `stnp`.
//!
//! Arm ARM, "Requirements for single-copy atomicity": a pair of 64-bit registers is stored as two
//! aligned 8-byte stores, each of which is atomic. "Load/Store Non-temporal pair": a hint that the
//! bytes are not used again soon; where they go is up to the CPU, so their lines are cleaned like
//! any other.

use core::arch::asm;

use crate::tuning::{Stores, Word};

/// `stp`: pairs of registers, through the cache.
#[derive(Clone, Copy, Debug)]
pub struct Stp;

/// `stnp`: pairs of registers, which the cache need not keep.
#[derive(Clone, Copy, Debug)]
pub struct Stnp;

// SAFETY: asm that stores the words given, 8 bytes each; the callers align them.
unsafe impl Stores for Stp {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller vouches for the word.
        unsafe {
            asm!("str {}, [{}]", in(reg) word, in(reg) dest, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, [a, b, c, d]: [Word; 4]) {
        // SAFETY: the caller vouches for the words.
        unsafe {
            asm!(
                "stp {1}, {2}, [{0}]",
                "stp {3}, {4}, [{0}, #16]",
                in(reg) dest, in(reg) a, in(reg) b, in(reg) c, in(reg) d,
                options(nostack, preserves_flags),
            );
        }
    }
}

// SAFETY: as for `stp`. The bytes count as cached, since the hint promises nothing.
unsafe impl Stores for Stnp {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { Stp::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, [a, b, c, d]: [Word; 4]) {
        // SAFETY: the caller vouches for the words.
        unsafe {
            asm!(
                "stnp {1}, {2}, [{0}]",
                "stnp {3}, {4}, [{0}, #16]",
                in(reg) dest, in(reg) a, in(reg) b, in(reg) c, in(reg) d,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// # Safety
/// The word must be readable, and aligned.
#[inline(always)]
pub(crate) unsafe fn aligned_word(src: *const u64) -> u64 {
    let word;
    // SAFETY: the caller's.
    unsafe {
        asm!("ldr {}, [{}]", out(reg) word, in(reg) src, options(nostack, preserves_flags, readonly));
    }
    word
}

/// # Safety
/// The four words must be readable, and aligned.
#[inline(always)]
pub(crate) unsafe fn aligned_block(src: *const u64) -> [u64; 4] {
    let (a, b, c, d);
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "ldp {1}, {2}, [{0}]",
            "ldp {3}, {4}, [{0}, #16]",
            in(reg) src,
            out(reg) a, out(reg) b, out(reg) c, lateout(reg) d,
            options(nostack, preserves_flags, readonly),
        );
    }
    [a, b, c, d]
}
