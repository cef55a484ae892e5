//! `clzero` of AMD: a whole line of zeroes past the cache.
//!
//! APM Volume 3, "CLZERO": zeroes the line at rAX, ordered like a non-temporal store (SFENCE orders it). The line size is that of `clflush`.

use core::arch::asm;

use super::Movnti;
use crate::{Stores, stores};

/// The bytes that it zeroes on every CPU that has it.
const LINE: usize = 64;

/// `clzero` for zero fills of at least `FROM` bytes, `movnti` for all else.
#[derive(Clone, Copy, Debug)]
pub struct Clzero<const FROM: usize>;

// SAFETY: whole lines inside the range, or what `movnti` does.
unsafe impl<const FROM: usize> Stores for Clzero<FROM> {
    const CACHED: bool = false;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: u64) {
        // SAFETY: the caller's.
        unsafe { Movnti::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [u64; 8]) {
        // SAFETY: the caller's.
        unsafe { Movnti::block(dest, words) }
    }

    #[inline(always)]
    unsafe fn fill(mut dest: *mut u64, word: u64, words: usize) {
        let head = dest.addr().wrapping_neg() % LINE / 8;
        if word != 0 || words < FROM.max(2 * LINE) / 8 {
            // SAFETY: the caller's.
            return unsafe { stores::words_fill::<Movnti>(dest, word, words) };
        }
        // SAFETY: the words before the first line, the lines, and the words after the last make up the range: it has two lines' words, and
        // `head` has less than one line's.
        unsafe {
            stores::words_fill::<Movnti>(dest, 0, head);
            dest = dest.add(head);
            for _ in 0..(words - head) / 8 {
                asm!("clzero", in("rax") dest, options(nostack, preserves_flags));
                dest = dest.add(LINE / 8);
            }
            stores::words_fill::<Movnti>(dest, 0, (words - head) % 8);
        }
    }
}
