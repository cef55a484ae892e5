//! Loads of any alignment by aligned loads, for a CPU or a kernel that does not allow others.
//!
//! An aligned word that holds a byte of the source may hold bytes around it as well. They lie in
//! the same page and the same line, so they are as readable as that byte, and they are shifted out.

use super::native::{aligned_block, aligned_word};
use crate::tuning::Word;

const BITS: u32 = 8;

/// Loads a word, of any alignment.
///
/// # Safety
/// 8 bytes must be readable at `src`.
#[inline(always)]
pub(crate) unsafe fn load_word(src: *const u8) -> Word {
    let (first, bytes) = floor(src);
    // SAFETY: each of these words holds a byte of the source.
    unsafe {
        let low = aligned_word(first);
        if bytes == 0 {
            return Word::new(low);
        }
        Word::new(merge(low, aligned_word(first.wrapping_add(1)), bytes))
    }
}

/// Loads four words, of any alignment.
///
/// # Safety
/// 32 bytes must be readable at `src`.
#[inline(always)]
pub(crate) unsafe fn load_block(src: *const u8) -> [Word; 4] {
    let (first, bytes) = floor(src);
    // SAFETY: each of these words holds a byte of the source.
    unsafe {
        let mut words = aligned_block(first);
        if bytes != 0 {
            let last = aligned_word(first.wrapping_add(4));
            let [a, b, c, d] = words;
            words = [
                merge(a, b, bytes),
                merge(b, c, bytes),
                merge(c, d, bytes),
                merge(d, last, bytes),
            ];
        }
        words.map(Word::new)
    }
}

/// The aligned word that holds the byte at `src`, and how many bytes of it come before.
#[inline(always)]
fn floor(src: *const u8) -> (*const u64, u32) {
    let bytes = src.addr() % 8;
    (src.wrapping_sub(bytes).cast(), bytes as u32)
}

/// The word that starts `bytes` (1 to 7) bytes after the word `low`, which `high` follows.
#[inline(always)]
const fn merge(low: u64, high: u64, bytes: u32) -> u64 {
    let (low, high) = (u64::from_le(low), u64::from_le(high));
    u64::to_le(low >> (BITS * bytes) | high << (u64::BITS - BITS * bytes))
}
