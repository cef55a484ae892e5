//! An instruction set without a file of its own: nothing is known to write a line back, so
//! cache-line maps are refused. Byte and page granularity work.

use core::sync::atomic::{Ordering, fence};

use crate::{
    Error, Granularity, Table,
    tuning::{Copies, Stores, Word},
};

/// Whether stores of any alignment are allowed and fast: not on every CPU, nor in every kernel.
pub(crate) const UNALIGNED_STORES: bool = false;

/// No hint is known by which a line that is about to be stored to comes sooner.
#[inline(always)]
pub(crate) fn prepare(_line: *mut u8) {}

/// The strongest fence that the compiler knows for this CPU.
#[inline(always)]
pub fn store_fence() {
    fence(Ordering::SeqCst);
}

/// Volatile stores, which the compiler neither splits nor merges where a word is a register.
#[derive(Clone, Copy, Debug)]
pub struct Words;

// SAFETY: volatile stores of whole words; the callers align them.
unsafe impl Stores for Words {
    const CACHED: bool = true;

    #[inline(always)]
    unsafe fn word(dest: *mut u64, word: Word) {
        // SAFETY: the caller vouches for the word.
        unsafe { dest.cast::<Word>().write_volatile(word) }
    }

    #[inline(always)]
    unsafe fn block(dest: *mut u64, words: [Word; 4]) {
        for (i, word) in words.into_iter().enumerate() {
            // SAFETY: the caller vouches for the words.
            unsafe { dest.add(i).cast::<Word>().write_volatile(word) };
        }
    }
}

/// # Safety
/// 8 bytes must be readable at `src`.
#[inline(always)]
pub(crate) unsafe fn load_word(src: *const u8) -> Word {
    // SAFETY: the caller's.
    unsafe { src.cast::<Word>().read_unaligned() }
}

/// # Safety
/// 32 bytes must be readable at `src`.
#[inline(always)]
pub(crate) unsafe fn load_block(src: *const u8) -> [Word; 4] {
    // SAFETY: the caller's.
    unsafe { src.cast::<[Word; 4]>().read_unaligned() }
}

/// Through the cache, whatever the flags.
#[derive(Clone, Copy, Debug)]
pub struct LineCopies;

impl Copies for LineCopies {
    type Temporal = Words;
    type NonTemporal = Words;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
}

/// The same under byte granularity.
pub type ByteCopies = LineCopies;

/// The same for page granularity.
pub type PlainCopies = LineCopies;

/// No table: the instruction set is not supported.
///
/// # Errors
/// Always [`Error::Unsupported`].
pub fn detect() -> Result<&'static Table, Error> {
    Err(Error::Unsupported {
        granularity: Granularity::CacheLine,
        missing: "no write-back instruction is known for this instruction set",
    })
}

/// The table for byte granularity: one for all CPUs of this instruction set.
pub(crate) fn detect_byte() -> &'static Table {
    &crate::BYTE
}
