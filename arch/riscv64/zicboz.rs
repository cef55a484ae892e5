//! `cbo.zero` of Zicboz: zeroes a block through the cache.
//!
//! RISC-V Instruction Set Manual, Volume I, "Zicbom, Zicbop, Zicboz": stores zeroes to the whole
//! aligned block that holds an address; the block size is the device tree's
//! `riscv,cboz-block-size`. In supervisor mode it needs menvcfg.CBZE. The lines still need a clean.

use core::arch::asm;

use super::Sd;
use crate::{
    copy::stores,
    tuning::{Stores, Word},
};

/// `cbo.zero` for zero fills of at least `FROM` bytes, where its blocks are `BLOCK` bytes, and `sd`
/// for all else.
///
/// To the manual, the bytes of a block may turn to zero one by one. So it is in no table but those
/// of [`ZICBOM_ZICBOZ`](super::ZICBOM_ZICBOZ): who chooses these knows that the hart zeroes a word
/// at once (those with a data path of 8 bytes or more), or has no reader that cares.
#[derive(Clone, Copy, Debug)]
pub struct CboZero<const BLOCK: usize, const FROM: usize>;

// SAFETY: whole blocks inside the range, or what `sd` does; who chooses it vouches for words.
unsafe impl<const BLOCK: usize, const FROM: usize> Stores for CboZero<BLOCK, FROM> {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { Sd::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        // SAFETY: the caller's.
        unsafe { Sd::block(dest, words) }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's; a block is inside the range, and who chose the table vouches for
        // instruction and size.
        unsafe {
            if word != 0 || words < FROM / 8 {
                return Sd::fill(dest, word, words);
            }
            stores::blocks_fill::<Sd, BLOCK>(dest, 0, words, |block| {
                asm!(
                    ".option push",
                    ".option arch, +zicboz",
                    "cbo.zero ({})",
                    ".option pop",
                    in(reg) block,
                    options(nostack, preserves_flags),
                );
            });
        }
    }
}
