//! `clzero` of AMD: a whole line of zeroes past the cache.
//!
//! APM Volume 3, "CLZERO": zeroes the line at rAX by the write-combining protocol, ordered like a
//! non-temporal store (SFENCE orders it). A line is what caches and memory exchange, so no word of
//! it is zeroed in part.

use core::arch::asm;

use super::Movnti;
use crate::{
    copy::stores,
    tuning::{Stores, Word},
};

/// The bytes that it zeroes on every CPU that has it.
const LINE: usize = 64;

/// `clzero` for zero fills of at least `FROM` bytes, `movnti` for all else.
#[derive(Clone, Copy, Debug)]
pub struct Clzero<const FROM: usize>;

// SAFETY: whole lines inside the range, or what `movnti` does.
unsafe impl<const FROM: usize> Stores for Clzero<FROM> {
    const CACHED: bool = false;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { Movnti::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        // SAFETY: the caller's.
        unsafe { Movnti::block(dest, words) }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's; a block is a line inside the range, and the CPU has the
        // instruction.
        unsafe {
            if word != 0 || words < FROM / 8 {
                return stores::words_fill::<Movnti>(dest, word, words);
            }
            stores::blocks_fill::<Movnti, LINE>(dest, 0, words, |line| {
                asm!("clzero", in("rax") line, options(nostack, preserves_flags));
            });
        }
    }
}
