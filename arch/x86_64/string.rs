//! `rep movsq` and `rep stosq`: the microcode's own loops, through the cache.
//!
//! SDM Volume 3, "Fast-String Operation and Out-of-Order Stores". Quadwords and not bytes, though
//! as fast: the elements of `movsb` are single bytes, and nothing promises that a power cut or
//! another CPU never sees a part of a word.

use core::arch::asm;

use super::{Mov, prepare};
use crate::{
    copy::stores,
    tuning::{Stores, Word},
};

const LINE: usize = 64;
/// Where a line of the destination does not come from one of the source, the microcode stores parts
/// of lines, each of which waits for its line; so the lines are fetched ahead, as many bytes at a
/// time. On AMD Zen 4, 4 KiB that are not in the cache take 215 ns instead of 325.
const PIECE: usize = 2048;
/// So few bytes are not worth it.
const FEW: usize = 512;
/// A fill that begins inside a line pays off at so many times the size: on AMD Zen 1, 512 bytes at
/// +8 take 27 ns by `mov` and 52 by `rep stosq`.
const INSIDE: usize = 4;

/// `rep movsq` for copies of at least `COPY` bytes and `rep stosq` for fills of at least `FILL`
/// bytes; [`Mov`] for shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct RepMovsq<const COPY: usize, const FILL: usize>;

// SAFETY: the elements are 8 bytes, aligned by the callers.
unsafe impl<const COPY: usize, const FILL: usize> Stores for RepMovsq<COPY, FILL> {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller's.
        unsafe { Mov::word(dest, word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        // SAFETY: the caller's.
        unsafe { Mov::block(dest, words) }
    }

    #[inline(always)]
    unsafe fn copy_up(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's; the pieces make up the range.
        unsafe {
            if words < COPY / 8 || loads_meet_stores(dest, src) {
                return stores::words_up::<Mov>(dest, src, words);
            }
            if (dest.addr() ^ src.addr()) % LINE == 0 || words <= FEW / 8 {
                return rep_movsq(dest, src, words);
            }
            for at in (0..words).step_by(PIECE / 8) {
                let (dest, src, words) =
                    (dest.add(at), src.add(at * 8), (words - at).min(PIECE / 8));
                for line in (0..words).step_by(LINE / 8) {
                    prepare(dest.add(line).cast());
                }
                rep_movsq(dest, src, words);
            }
        }
    }

    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's.
        unsafe {
            let aligned = dest.addr() % LINE == 0;
            if words < FILL / 8 || (!aligned && words < INSIDE * FILL / 8) {
                return stores::words_fill::<Mov>(dest, word, words);
            }
            rep_stosq(dest, word, words);
        }
    }
}

/// # Safety
/// As for [`Stores::copy_up`].
#[inline(always)]
pub(super) unsafe fn rep_movsq(dest: *mut u64, src: *const u8, words: usize) {
    // SAFETY: the caller's; the direction flag is clear on entry to asm.
    unsafe {
        asm!(
            "rep movsq",
            inout("rdi") dest => _, inout("rsi") src => _, inout("rcx") words => _,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
/// As for [`Stores::fill`].
#[inline(always)]
pub(super) unsafe fn rep_stosq(dest: *mut u64, word: u64, words: usize) {
    // SAFETY: the caller's; the direction flag is clear on entry to asm.
    unsafe {
        asm!(
            "rep stosq",
            inout("rdi") dest => _, in("rax") word, inout("rcx") words => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Whether each load lies less than a line below a store just made, in the low 12 bits by which a
/// CPU first compares them. Then it waits for that store: on AMD Zen 4, 4 KiB by `rep movsq` take
/// 168 ns instead of 42, by `rep movsb` 1160, and by `mov` 95.
#[inline(always)]
fn loads_meet_stores(dest: *mut u64, src: *const u8) -> bool {
    let distance = dest.addr().wrapping_sub(src.addr()) % 4096;
    distance != 0 && distance < 64
}
