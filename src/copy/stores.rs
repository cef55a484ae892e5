//! The stores that copies and fills are made of: words and blocks of words, never a part of a word.

use core::mem::MaybeUninit;

use crate::arch;

/// Bytes of a word: what a CPU stores as one.
pub(crate) const WORD: usize = 8;
/// Words that are loaded and stored together: with two addresses and a count, what the registers
/// hold that a function need not save.
pub(crate) const BLOCK: usize = 4;

/// A word that is moved and never looked at: it may be uninitialised, or a pointer.
pub type Word = MaybeUninit<u64>;

/// One way to store words. Each file in `arch/` has its own; tests have a recording one. (What is
/// provided here loads by inline assembly on x86_64, which Miri does not interpret: use another
/// target there.)
///
/// ```
/// use kpmem::{Table, arch, tuning::{Copies, Stores, Word}};
///
/// /// The stores of the instruction set, counted.
/// struct Counted;
/// type Inner = <arch::LineCopies as Copies>::Temporal;
/// # fn count() {}
///
/// // SAFETY: it stores by `Inner`, which keeps the promise.
/// unsafe impl Stores for Counted {
///     const CACHED: bool = Inner::CACHED;
///
///     unsafe fn word(dest: *mut u64, word: Word) {
///         count();
///         // SAFETY: the caller's.
///         unsafe { Inner::word(dest, word) }
///     }
///
///     unsafe fn block(dest: *mut u64, words: [Word; 4]) {
///         count();
///         // SAFETY: the caller's.
///         unsafe { Inner::block(dest, words) }
///     }
/// }
///
/// struct Mine;
///
/// impl Copies for Mine {
///     type Temporal = Counted;
///     type NonTemporal = Counted;
///     const NON_TEMPORAL_FROM: usize = usize::MAX;
/// }
///
/// static MINE: Table = Table::of::<kpmem::Byte<Mine>>();
/// ```
///
/// # Safety
/// Each word must be stored by one store of 8 bytes or more that is aligned to its size, and
/// nothing else may be stored. If the stores are not [`CACHED`](Self::CACHED), the drain of each
/// instruction that they are used with must make them durable. The compiler must not be able to
/// turn them into other stores or into a call (use inline asm).
pub unsafe trait Stores {
    /// Whether the bytes go to the cache, so that their lines must be written back to be durable.
    const CACHED: bool;

    /// Says that the lines of so many words are about to be stored to, where that pays: a hint,
    /// which touches nothing.
    #[inline(always)]
    fn fetch(_dest: *mut u64, _words: usize) {}

    /// Stores one word.
    ///
    /// # Safety
    /// `dest` must be valid for writes and aligned, and the CPU must have the instructions: so for
    /// all functions here.
    unsafe fn word(dest: *mut u64, word: Word);

    /// Stores four words.
    ///
    /// # Safety
    /// As for [`word`](Self::word).
    unsafe fn block(dest: *mut u64, words: [Word; 4]);

    /// Copies words in ascending order: right where `dest` is below `src`, or they do not overlap.
    /// `src` may have any alignment.
    ///
    /// # Safety
    /// `words` words must be valid for reads at `src` and for writes at `dest`, which is aligned if
    /// there are any.
    #[inline(always)]
    unsafe fn copy_up(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's.
        unsafe { words_up::<Self>(dest, src, words) }
    }

    /// Copies words in descending order: right where `dest` is above `src`.
    ///
    /// # Safety
    /// As for [`copy_up`](Self::copy_up).
    #[inline(always)]
    unsafe fn copy_down(dest: *mut u64, src: *const u8, words: usize) {
        // SAFETY: the caller's.
        unsafe { words_down::<Self>(dest, src, words) }
    }

    /// Stores the same word `words` times.
    ///
    /// # Safety
    /// `words` words must be valid for writes at `dest`, which is aligned if there are any.
    #[inline(always)]
    unsafe fn fill(dest: *mut u64, word: u64, words: usize) {
        // SAFETY: the caller's.
        unsafe { words_fill::<Self>(dest, word, words) }
    }
}

/// [`Stores::copy_up`] by words and blocks.
///
/// Where a range ends at 2^64, the address after it is 0: so addresses are stepped by
/// `wrapping_add`, here and below.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn words_up<S: Stores + ?Sized>(
    mut dest: *mut u64,
    mut src: *const u8,
    words: usize,
) {
    for _ in 0..words / BLOCK {
        // SAFETY: this many blocks are valid. A block is loaded before it is stored, so it may
        // overlap itself, and what it stores over lies below all that is still to be loaded.
        unsafe { S::block(dest, arch::load_block(src)) };
        dest = dest.wrapping_add(BLOCK);
        src = src.wrapping_add(BLOCK * WORD);
    }
    for _ in 0..words % BLOCK {
        // SAFETY: as above, by words.
        unsafe { S::word(dest, arch::load_word(src)) };
        dest = dest.wrapping_add(1);
        src = src.wrapping_add(WORD);
    }
}

/// [`Stores::copy_down`] by words and blocks.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn words_down<S: Stores + ?Sized>(dest: *mut u64, src: *const u8, words: usize) {
    let (mut dest, mut src) = (dest.wrapping_add(words), src.wrapping_add(words * WORD));
    for _ in 0..words / BLOCK {
        dest = dest.wrapping_sub(BLOCK);
        src = src.wrapping_sub(BLOCK * WORD);
        // SAFETY: as in `words_up`, mirrored.
        unsafe { S::block(dest, arch::load_block(src)) };
    }
    for _ in 0..words % BLOCK {
        dest = dest.wrapping_sub(1);
        src = src.wrapping_sub(WORD);
        // SAFETY: as above, by words.
        unsafe { S::word(dest, arch::load_word(src)) };
    }
}

/// [`Stores::fill`] by words and blocks.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn words_fill<S: Stores + ?Sized>(mut dest: *mut u64, word: u64, words: usize) {
    let word = Word::new(word);
    for _ in 0..words / BLOCK {
        // SAFETY: this many blocks are valid.
        unsafe { S::block(dest, [word; BLOCK]) };
        dest = dest.wrapping_add(BLOCK);
    }
    for _ in 0..words % BLOCK {
        // SAFETY: as above, by words.
        unsafe { S::word(dest, word) };
        dest = dest.wrapping_add(1);
    }
}

/// [`Stores::fill`] by whole aligned blocks of `SIZE` bytes, which `store` stores, and by `S`
/// around them.
///
/// # Safety
/// As there; `store` must store `word` to all of the block at the address that it gets.
#[inline(always)]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )),
    expect(dead_code, reason = "no instruction stores a block")
)]
pub(crate) unsafe fn blocks_fill<S: Stores, const SIZE: usize>(
    dest: *mut u64,
    word: u64,
    words: usize,
    store: impl Fn(*mut u64),
) {
    const { assert!(SIZE.is_power_of_two() && SIZE >= WORD, "whole words") };
    let size = const { SIZE / WORD };
    let head = (dest.addr().wrapping_neg() % SIZE / WORD).min(words);
    let blocks = (words - head) / size;
    let rest = head + blocks * size;
    // SAFETY: the three parts make up the range.
    unsafe {
        words_fill::<S>(dest, word, head);
        for block in 0..blocks {
            store(dest.add(head + block * size));
        }
        words_fill::<S>(dest.wrapping_add(rest), word, words - rest);
    }
}
