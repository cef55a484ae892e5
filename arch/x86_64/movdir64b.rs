//! `movdir64b`: one 64-byte store past the cache.
//!
//! SDM Volume 2, "MOVDIR64B": reads 64 bytes of any alignment, and stores them to a 64-byte aligned
//! address as one direct store, weakly ordered like write-combining memory.

use core::arch::asm;

use super::Movnti;
use crate::{
    copy::stores,
    tuning::{Stores, Word},
};

const LINE: usize = 64;

/// `movdir64b` for whole lines, `movnti` for all else.
#[derive(Clone, Copy, Debug)]
pub struct Movdir64b;

// SAFETY: aligned stores of 64 bytes inside the range, or what `movnti` does.
unsafe impl Stores for Movdir64b {
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
    unsafe fn copy_up(dest: *mut u64, src: *const u8, words: usize) {
        let (head, lines, tail) = split(dest, words);
        // SAFETY: the three parts make up the range; each line is loaded before it is stored.
        unsafe {
            stores::words_up::<Movnti>(dest, src, head);
            for line in 0..lines {
                let at = head + line * (LINE / 8);
                direct(dest.add(at), src.add(at * 8));
            }
            let at = head + lines * (LINE / 8);
            stores::words_up::<Movnti>(dest.add(at), src.add(at * 8), tail);
        }
    }

    #[inline(always)]
    unsafe fn copy_down(dest: *mut u64, src: *const u8, words: usize) {
        let (head, lines, tail) = split(dest, words);
        // SAFETY: as in `copy_up`, mirrored.
        unsafe {
            let at = head + lines * (LINE / 8);
            stores::words_down::<Movnti>(dest.add(at), src.add(at * 8), tail);
            for line in (0..lines).rev() {
                let at = head + line * (LINE / 8);
                direct(dest.add(at), src.add(at * 8));
            }
            stores::words_down::<Movnti>(dest, src, head);
        }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        let line = [word; LINE / 8];
        // SAFETY: the caller's; a block is a line inside the range.
        unsafe {
            stores::blocks_fill::<Movnti, LINE>(dest, word, words, |dest| {
                direct(dest, line.as_ptr().cast());
            });
        }
    }
}

/// The words before the first line, the lines, the words after the last.
#[inline(always)]
fn split(dest: *mut u64, words: usize) -> (usize, usize, usize) {
    let head = (dest.addr().wrapping_neg() % LINE / 8).min(words);
    (head, (words - head) / 8, (words - head) % 8)
}

/// # Safety
/// `src` must be readable, `dest` writable and aligned to 64 bytes.
#[inline(always)]
unsafe fn direct(dest: *mut u64, src: *const u8) {
    // SAFETY: the caller's; who chose the table vouches that the CPU has the instruction.
    unsafe {
        asm!("movdir64b rdi, [rsi]", in("rdi") dest, in("rsi") src, options(nostack, preserves_flags));
    }
}
