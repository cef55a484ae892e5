//! Where the bytes of a copy come from: other memory, or one repeated byte. Words by [`Stores`],
//! and the odd bytes around them.

use crate::stores::{Stores, WORD};

/// The bytes that a copy stores: those at an offset from its start.
pub(crate) trait Source: Copy {
    /// Whether the parts of the copy must be stored from the last to the first.
    fn descending(self) -> bool;

    /// Whether the source has no byte of the `len` at `dest`, so that the parts of the copy may be
    /// stored in any order.
    fn is_apart(self, dest: *mut u8, len: usize) -> bool;

    /// Stores `words` words from offset `at`, in line, in a copy that starts at `dest` and is not
    /// descending.
    ///
    /// # Safety
    /// As for [`store`](Self::store); `dest` and `at` must be aligned.
    unsafe fn words<S: Stores>(self, dest: *mut u8, at: usize, words: usize);

    /// Stores the `len` bytes from offset `at`, in a copy that starts at `dest`.
    ///
    /// # Safety
    /// The bytes must be valid for writes, and the CPU must have the instructions of `S`.
    unsafe fn store<S: Stores>(self, dest: *mut u8, at: usize, len: usize);
}

/// Other memory, which may overlap the destination.
#[derive(Clone, Copy)]
pub(crate) struct Move {
    src: *const u8,
    descending: bool,
}

impl Move {
    /// `len` bytes at `src`, to be copied to `dest`.
    #[inline(always)]
    pub(crate) fn new(dest: *mut u8, src: *const u8, len: usize) -> Self {
        Self {
            src,
            // Ascending would store over bytes that are still to be loaded if `dest` lies inside
            // the source.
            descending: dest.addr().wrapping_sub(src.addr()) < len,
        }
    }
}

impl Source for Move {
    #[inline(always)]
    fn descending(self) -> bool {
        self.descending
    }

    #[inline(always)]
    fn is_apart(self, dest: *mut u8, len: usize) -> bool {
        !self.descending && self.src.addr().wrapping_sub(dest.addr()) >= len
    }

    #[inline(always)]
    unsafe fn words<S: Stores>(self, dest: *mut u8, at: usize, words: usize) {
        // SAFETY: the caller's.
        unsafe { S::copy_up(dest.add(at).cast(), self.src.add(at), words) }
    }

    #[inline(always)]
    unsafe fn store<S: Stores>(self, dest: *mut u8, at: usize, len: usize) {
        // SAFETY: the caller's; `at` is inside the source.
        unsafe {
            let (dest, src) = (dest.add(at), self.src.add(at));
            if self.descending {
                down::<S>(dest, src, len);
            } else {
                up::<S>(dest, src, len);
            }
        }
    }
}

/// One byte, in each byte of a word.
#[derive(Clone, Copy)]
pub(crate) struct Fill(u64);

impl Fill {
    #[inline(always)]
    pub(crate) const fn new(byte: u8) -> Self {
        Self(u64::from_ne_bytes([byte; WORD]))
    }
}

impl Source for Fill {
    #[inline(always)]
    fn descending(self) -> bool {
        false
    }

    #[inline(always)]
    fn is_apart(self, _dest: *mut u8, _len: usize) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn words<S: Stores>(self, dest: *mut u8, at: usize, words: usize) {
        // SAFETY: the caller's.
        unsafe { S::fill(dest.add(at).cast(), self.0, words) }
    }

    #[inline(always)]
    unsafe fn store<S: Stores>(self, dest: *mut u8, at: usize, len: usize) {
        // SAFETY: the caller's.
        unsafe { fill::<S>(dest.add(at), self.0, len) }
    }
}

/// How `len` bytes at `dest` divide: bytes before the first aligned word, words, bytes after the
/// last.
#[inline(always)]
fn split(dest: *mut u8, len: usize) -> (usize, usize, usize) {
    let head = (dest.addr().wrapping_neg() % WORD).min(len);
    (head, (len - head) / WORD, (len - head) % WORD)
}

/// # Safety
/// As for [`Source::store`]; `len` bytes at `src` must be readable, and `dest` must not lie inside
/// them.
#[inline(never)]
unsafe fn up<S: Stores>(dest: *mut u8, src: *const u8, len: usize) {
    let (head, words, tail) = split(dest, len);
    let end = head + words * WORD;
    // SAFETY: the three parts make up the range; `dest + head` is aligned, unless there are no
    // words.
    unsafe {
        pieces_up(dest, src, head);
        S::copy_up(dest.add(head).cast(), src.add(head), words);
        pieces_up(dest.add(end), src.add(end), tail);
    }
}

/// # Safety
/// As for [`up`], but `src` must not lie inside the destination.
#[inline(never)]
unsafe fn down<S: Stores>(dest: *mut u8, src: *const u8, len: usize) {
    let (head, words, tail) = split(dest, len);
    let end = head + words * WORD;
    // SAFETY: as in `up`.
    unsafe {
        pieces_down(dest.add(end), src.add(end), tail);
        S::copy_down(dest.add(head).cast(), src.add(head), words);
        pieces_down(dest, src, head);
    }
}

/// # Safety
/// As for [`Source::store`].
#[inline(never)]
unsafe fn fill<S: Stores>(dest: *mut u8, word: u64, len: usize) {
    let (head, words, tail) = split(dest, len);
    let byte = (&raw const word).cast();
    // SAFETY: as in `up`; fewer than eight bytes are read from the word.
    unsafe {
        pieces_up(dest, byte, head);
        S::fill(dest.add(head).cast(), word, words);
        pieces_up(dest.add(head + words * WORD), byte, tail);
    }
}

/// Copies fewer than eight bytes, none of which fills a word, by the largest aligned stores.
///
/// # Safety
/// Both ranges must be valid.
#[inline(always)]
unsafe fn pieces_up(mut dest: *mut u8, mut src: *const u8, mut len: usize) {
    while len != 0 {
        let size = piece(dest.addr(), len);
        // SAFETY: the piece is a part of the range.
        unsafe {
            store_piece(dest, src, size);
            (dest, src) = (dest.add(size), src.add(size));
        }
        len -= size;
    }
}

/// [`pieces_up`] from the last piece to the first.
///
/// # Safety
/// Both ranges must be valid.
#[inline(always)]
unsafe fn pieces_down(dest: *mut u8, src: *const u8, mut len: usize) {
    while len != 0 {
        let size = piece(dest.addr().wrapping_add(len), len);
        len -= size;
        // SAFETY: the piece is a part of the range.
        unsafe { store_piece(dest.add(len), src.add(len), size) };
    }
}

/// The size of the largest piece of `len` bytes, 1, 2 or 4, that begins or ends at `address` and is
/// aligned.
#[inline(always)]
const fn piece(address: usize, len: usize) -> usize {
    let aligned = (address | 4) & (address | 4).wrapping_neg();
    if aligned <= len {
        aligned
    } else if len >= 2 {
        2
    } else {
        1
    }
}

/// # Safety
/// `dest` must be valid for `size` bytes and aligned to it.
#[inline(always)]
unsafe fn store_piece(dest: *mut u8, src: *const u8, size: usize) {
    // SAFETY: the caller's. A volatile store of such a size is one store instruction.
    unsafe {
        match size {
            1 => dest.write_volatile(src.read()),
            2 => dest
                .cast::<u16>()
                .write_volatile(src.cast::<u16>().read_unaligned()),
            _ => dest
                .cast::<u32>()
                .write_volatile(src.cast::<u32>().read_unaligned()),
        }
    }
}
