//! Address ranges, and the one place that rounds an address to a line.

use crate::{Error, copy::WORD};

/// A non-empty address range by its two inclusive ends, so that a range which ends at the top of
/// the address space (2^64) is like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Span {
    /// The `len` bytes from `start`; an error if there are none or if they wrap past 2^64.
    pub(crate) const fn new(start: usize, len: usize) -> Result<Self, Error> {
        if len == 0 {
            return Err(Error::Empty { start });
        }
        match start.checked_add(len - 1) {
            Some(last) => Ok(Self { first: start, last }),
            None => Err(Error::Wraps { start, len }),
        }
    }

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

#[cfg(feature = "page")]
impl Span {
    /// Its length in bytes; 0 for the whole address space, which no map covers.
    pub(crate) const fn len(self) -> usize {
        (self.last - self.first).wrapping_add(1)
    }

    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The part of `self` that lies in `other`; both must overlap.
    pub(crate) fn clip(self, other: Self) -> Self {
        Self {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
        }
    }
}

/// Calls `visit` once for each `LINE`-byte line that the `len` bytes at `ptr` touch, in ascending
/// order, with the line's first address and the provenance of `ptr`.
///
/// The end is the last line itself, not the address after it, so a range that ends at 2^64 is
/// visited whole. A range that wraps, which no caller may pass, is visited on both sides of the
/// wrap rather than skipped.
///
/// A word or a line takes no loop, and the loop takes two lines at a time: on Arm that is three
/// instructions a line, not four.
#[inline(always)]
pub(crate) fn for_each_line<const LINE: usize>(
    ptr: *const u8,
    len: usize,
    visit: impl Fn(*const u8),
) {
    const {
        assert!(
            LINE.is_power_of_two() && LINE >= WORD,
            "kpmem: a line is a power of two of bytes, and no smaller than a word of 8"
        );
    }
    if len == 0 {
        return;
    }
    let start = ptr.addr();
    let first = start & !(LINE - 1);
    let last = start.wrapping_add(len - 1) & !(LINE - 1);
    if len <= LINE {
        visit(ptr.with_addr(first));
        if first != last {
            visit(ptr.with_addr(last));
        }
        return;
    }
    let lines = last.wrapping_sub(first) / LINE + 1;
    let mut line = first;
    for _ in 0..lines / 2 {
        visit(ptr.with_addr(line));
        visit(ptr.with_addr(line.wrapping_add(LINE)));
        line = line.wrapping_add(2 * LINE);
    }
    if lines % 2 != 0 {
        visit(ptr.with_addr(last));
    }
}
