//! The stores of RV64 on general registers: `sd`.
//!
//! RISC-V Instruction Set Manual, Volume I, "RV64I", "Load and Store Instructions": an aligned
//! 8-byte store is atomic. Zihintntl's hints would be one more instruction for each store, and no
//! hart was at hand to show what they bring.

use core::arch::asm;

use crate::tuning::{Stores, Word};

/// `sd`: through the cache.
#[derive(Clone, Copy, Debug)]
pub struct Sd;

// SAFETY: asm that stores the words given, 8 bytes each; the callers align them.
unsafe impl Stores for Sd {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller vouches for the word.
        unsafe {
            asm!("sd {}, 0({})", in(reg) word, in(reg) dest, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, [a, b, c, d]: [Word; 4]) {
        // SAFETY: the caller vouches for the words.
        unsafe {
            asm!(
                "sd {1}, 0({0})",
                "sd {2}, 8({0})",
                "sd {3}, 16({0})",
                "sd {4}, 24({0})",
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
        asm!("ld {}, 0({})", out(reg) word, in(reg) src, options(nostack, preserves_flags, readonly));
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
            "ld {1}, 0({0})",
            "ld {2}, 8({0})",
            "ld {3}, 16({0})",
            "ld {4}, 24({0})",
            in(reg) src,
            out(reg) a, out(reg) b, out(reg) c, lateout(reg) d,
            options(nostack, preserves_flags, readonly),
        );
    }
    [a, b, c, d]
}
