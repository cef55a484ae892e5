//! Address ranges, and the one place that rounds an address to a line.

use crate::Error;

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

    /// Its first byte, with the provenance that the map's base exposed.
    pub(crate) fn ptr(self) -> *const u8 {
        core::ptr::with_exposed_provenance(self.first)
    }

    /// Its length in bytes.
    pub(crate) const fn len(self) -> usize {
        self.last - self.first + 1
    }

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The part of `self` from `first` to `last`; both ranges must overlap.
    pub(crate) fn clip(self, other: Self) -> Self {
        Self {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
        }
    }
}

/// Calls `visit` once with the address of each `LINE`-byte line that the `len` bytes from `start`
/// touch, in ascending order.
///
/// The end is the last line itself, not the address after it, so a range that ends at 2^64 is
/// visited whole. A range that wraps, which no caller may pass, is visited on both sides of the
/// wrap rather than skipped.
///
/// A word or a line takes no loop, and the loop takes two lines at a time: on Arm that is three
/// instructions a line, not four.
#[inline(always)]
pub(crate) fn for_each_line<const LINE: usize>(start: usize, len: usize, visit: impl Fn(usize)) {
    const { assert!(LINE.is_power_of_two() && LINE > 1, "no line size") };
    if len == 0 {
        return;
    }
    let first = start & !(LINE - 1);
    let last = start.wrapping_add(len - 1) & !(LINE - 1);
    if len <= LINE {
        visit(first);
        if first != last {
            visit(last);
        }
        return;
    }
    let lines = last.wrapping_sub(first) / LINE + 1;
    let mut line = first;
    for _ in 0..lines / 2 {
        visit(line);
        visit(line.wrapping_add(LINE));
        line = line.wrapping_add(2 * LINE);
    }
    if lines % 2 != 0 {
        visit(last);
    }
}
