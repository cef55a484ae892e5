//! Where the bytes of a copy come from: other memory, or one repeated byte.

use super::{WORD, pieces, stores::Stores};

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

    /// The same by pointers.
    ///
    /// # Safety
    /// As for [`store`](Self::store).
    unsafe fn store_by(self, pointers: &Pointers, dest: *mut u8, at: usize, len: usize);
}

/// How [`Source::store`] stores by `S`, as pointers, so that one planner does for all tables.
#[derive(Debug)]
pub(crate) struct Pointers {
    up: unsafe fn(*mut u8, *const u8, usize),
    down: unsafe fn(*mut u8, *const u8, usize),
    fill: unsafe fn(*mut u8, u64, usize),
}

impl Pointers {
    pub(super) const fn to<S: Stores>() -> Self {
        Self {
            up: up::<S>,
            down: down::<S>,
            fill: fill::<S>,
        }
    }
}

/// Other memory, which may overlap the destination.
#[derive(Clone, Copy)]
pub(super) struct Move {
    src: *const u8,
    descending: bool,
}

impl Move {
    /// `len` bytes at `src`, to be copied to `dest`.
    #[inline(always)]
    pub(super) fn new(dest: *mut u8, src: *const u8, len: usize) -> Self {
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
        unsafe {
            S::copy_up(
                dest.wrapping_add(at).cast(),
                self.src.wrapping_add(at),
                words,
            )
        }
    }

    #[inline(always)]
    unsafe fn store<S: Stores>(self, dest: *mut u8, at: usize, len: usize) {
        let (dest, src) = (dest.wrapping_add(at), self.src.wrapping_add(at));
        // SAFETY: the caller's.
        unsafe {
            if self.descending {
                down::<S>(dest, src, len);
            } else {
                up::<S>(dest, src, len);
            }
        }
    }

    #[inline(always)]
    unsafe fn store_by(self, pointers: &Pointers, dest: *mut u8, at: usize, len: usize) {
        let (dest, src) = (dest.wrapping_add(at), self.src.wrapping_add(at));
        let store = if self.descending {
            pointers.down
        } else {
            pointers.up
        };
        // SAFETY: the caller's.
        unsafe { store(dest, src, len) }
    }
}

/// One byte, in each byte of a word.
#[derive(Clone, Copy)]
pub(super) struct Fill(u64);

impl Fill {
    #[inline(always)]
    pub(super) const fn new(byte: u8) -> Self {
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
        unsafe { S::fill(dest.wrapping_add(at).cast(), self.0, words) }
    }

    #[inline(always)]
    unsafe fn store<S: Stores>(self, dest: *mut u8, at: usize, len: usize) {
        // SAFETY: the caller's.
        unsafe { fill::<S>(dest.wrapping_add(at), self.0, len) }
    }

    #[inline(always)]
    unsafe fn store_by(self, pointers: &Pointers, dest: *mut u8, at: usize, len: usize) {
        // SAFETY: the caller's.
        unsafe { (pointers.fill)(dest.wrapping_add(at), self.0, len) }
    }
}

/// A source of which only whole words are stored, in ascending order: by code in line.
#[derive(Clone, Copy)]
pub(super) struct Words<S>(pub(super) S);

impl<T: Source> Source for Words<T> {
    #[inline(always)]
    fn descending(self) -> bool {
        false
    }

    #[inline(always)]
    fn is_apart(self, dest: *mut u8, len: usize) -> bool {
        self.0.is_apart(dest, len)
    }

    #[inline(always)]
    unsafe fn words<S: Stores>(self, dest: *mut u8, at: usize, words: usize) {
        // SAFETY: the caller's.
        unsafe { self.0.words::<S>(dest, at, words) }
    }

    #[inline(always)]
    unsafe fn store<S: Stores>(self, dest: *mut u8, at: usize, len: usize) {
        // SAFETY: the caller's, who made it of whole words.
        unsafe { self.0.words::<S>(dest, at, len / WORD) }
    }

    #[inline(always)]
    unsafe fn store_by(self, pointers: &Pointers, dest: *mut u8, at: usize, len: usize) {
        // SAFETY: the caller's.
        unsafe { self.0.store_by(pointers, dest, at, len) }
    }
}

/// How `len` bytes at `dest` divide: bytes before the first aligned word, words, bytes after the
/// last. Without a word, what lies before and after is best stored together.
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
    // SAFETY: the three parts make up the range, and `dest + head` is aligned.
    unsafe {
        if words == 0 {
            return pieces::up(dest, src, len);
        }
        pieces::up(dest, src, head);
        S::copy_up(
            dest.wrapping_add(head).cast(),
            src.wrapping_add(head),
            words,
        );
        pieces::up(dest.wrapping_add(end), src.wrapping_add(end), tail);
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
        if words == 0 {
            return pieces::down(dest, src, len);
        }
        pieces::down(dest.wrapping_add(end), src.wrapping_add(end), tail);
        S::copy_down(
            dest.wrapping_add(head).cast(),
            src.wrapping_add(head),
            words,
        );
        pieces::down(dest, src, head);
    }
}

/// # Safety
/// As for [`Source::store`].
#[inline(never)]
unsafe fn fill<S: Stores>(dest: *mut u8, word: u64, len: usize) {
    let (head, words, tail) = split(dest, len);
    let bytes = [word; 2];
    let byte = (&raw const bytes).cast();
    // SAFETY: as in `up`; fewer than 15 bytes are read from the words.
    unsafe {
        if words == 0 {
            return pieces::up(dest, byte, len);
        }
        pieces::up(dest, byte, head);
        S::fill(dest.wrapping_add(head).cast(), word, words);
        pieces::up(dest.wrapping_add(head + words * WORD), byte, tail);
    }
}
