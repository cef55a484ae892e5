//! `dc zva`: zeroes a block through the cache.
//!
//! Arm ARM, "DC ZVA", "DCZID_EL0": zeroes the aligned block that holds an address, unless
//! DCZID_EL0.DZP (bit 4) prohibits it. The block is 4 << DCZID_EL0.BS (bits 3 to 0) bytes. Its
//! lines still need a clean.

use core::{arch::asm, marker::PhantomData};

use crate::{
    copy::stores,
    tuning::{Stores, Word},
};

/// `dc zva` for zero fills of at least `FROM` bytes where it zeroes `BLOCK` bytes, the stores of
/// `S` for all else.
///
/// Not in any table of this crate: to the manual, `dc zva` is a store to each byte, so it does not
/// promise that a word turns to zero at once. Who tunes a table with it knows that the CPU does
/// (those with a data path of 8 bytes or more), or has no reader that cares.
#[derive(Clone, Copy, Debug)]
pub struct Zva<S, const BLOCK: usize, const FROM: usize>(PhantomData<S>);

// SAFETY: whole blocks inside the range, or what `S` does; who chooses it vouches for words.
unsafe impl<S: Stores, const BLOCK: usize, const FROM: usize> Stores for Zva<S, BLOCK, FROM> {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { S::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        // SAFETY: the caller's.
        unsafe { S::block(dest, words) }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's; a block is inside the range, and the CPU zeroes just that.
        unsafe {
            if word != 0 || words < FROM / 8 || block_size() != Some(BLOCK) {
                return S::fill(dest, word, words);
            }
            stores::blocks_fill::<S, BLOCK>(dest, 0, words, |block| {
                asm!("dc zva, {}", in(reg) block, options(nostack, preserves_flags));
            });
        }
    }
}

/// Bytes that `dc zva` zeroes, where it is allowed.
#[inline(always)]
fn block_size() -> Option<usize> {
    let dczid: usize;
    // SAFETY: the register can be read at every exception level, and has no side effect.
    unsafe {
        asm!("mrs {}, DCZID_EL0", out(reg) dczid, options(nomem, nostack, preserves_flags));
    }
    match dczid & 1 << 4 {
        0 => Some(4 << (dczid & 0xf)),
        _ => None,
    }
}
