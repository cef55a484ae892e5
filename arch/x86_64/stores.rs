//! The stores of x86-64 on general registers: `mov`, `movnti`, `rep movsq`.
//!
//! SDM Volume 1, "Programming with Intel SSE", section "Cacheability Control, Prefetch, and Memory
//! Ordering Instructions", and Volume 2, "MOVNTI": a non-temporal store is weakly ordered and
//! collected in a write-combining buffer; SFENCE makes it globally visible, past the cache.
//! SDM Volume 3, "Guaranteed Atomic Operations": an aligned 8-byte store is atomic.

use core::arch::asm;

use crate::tuning::{Stores, Word};

/// `mov`: through the cache.
#[derive(Clone, Copy, Debug)]
pub struct Mov;

/// `movnti`: past the cache.
#[derive(Clone, Copy, Debug)]
pub struct Movnti;

// SAFETY: asm that stores the words given, 8 bytes each; the callers align them.
unsafe impl Stores for Mov {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller vouches for the word.
        unsafe {
            asm!("mov [{}], {}", in(reg) dest, in(reg) word, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, [a, b, c, d]: [Word; 4]) {
        // SAFETY: the caller vouches for the words.
        unsafe {
            asm!(
                "mov [{0}], {1}",
                "mov [{0} + 8], {2}",
                "mov [{0} + 16], {3}",
                "mov [{0} + 24], {4}",
                in(reg) dest, in(reg) a, in(reg) b, in(reg) c, in(reg) d,
                options(nostack, preserves_flags),
            );
        }
    }
}

// SAFETY: as for `mov`; the `sfence` or `mfence` that drains every instruction of this file's
// parent makes them durable.
unsafe impl Stores for Movnti {
    const CACHED: bool = false;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller vouches for the word; every x86-64 CPU has the instruction.
        unsafe {
            asm!("movnti [{}], {}", in(reg) dest, in(reg) word, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, [a, b, c, d]: [Word; 4]) {
        // SAFETY: the caller vouches for the words.
        unsafe {
            asm!(
                "movnti [{0}], {1}",
                "movnti [{0} + 8], {2}",
                "movnti [{0} + 16], {3}",
                "movnti [{0} + 24], {4}",
                in(reg) dest, in(reg) a, in(reg) b, in(reg) c, in(reg) d,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// Says that the line at an address is about to be stored to: a hint, which touches nothing.
#[inline(always)]
pub(crate) fn prepare(line: *mut u8) {
    // SAFETY: it never faults, and does nothing on a CPU without it (SDM Volume 2, "PREFETCHW").
    unsafe {
        asm!("prefetchw [{}]", in(reg) line, options(nostack, preserves_flags, readonly));
    }
}

/// Loads a word, of any alignment.
///
/// # Safety
/// 8 bytes must be readable at `src`.
#[inline(always)]
pub(crate) unsafe fn load_word(src: *const u8) -> Word {
    let word: Word;
    // SAFETY: the caller's.
    unsafe {
        asm!("mov {}, [{}]", out(reg) word, in(reg) src, options(nostack, preserves_flags, readonly));
    }
    word
}

/// Loads four words, of any alignment.
///
/// # Safety
/// 32 bytes must be readable at `src`.
#[inline(always)]
pub(crate) unsafe fn load_block(src: *const u8) -> [Word; 4] {
    let (a, b, c, d): (Word, Word, Word, Word);
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "mov {1}, [{0}]",
            "mov {2}, [{0} + 8]",
            "mov {3}, [{0} + 16]",
            "mov {4}, [{0} + 24]",
            in(reg) src,
            out(reg) a, out(reg) b, out(reg) c, lateout(reg) d,
            options(nostack, preserves_flags, readonly),
        );
    }
    [a, b, c, d]
}
