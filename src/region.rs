//! Ranges of physical memory.

use core::fmt;

/// A range of physical addresses. Those of persistent memory are not empty, and do not wrap past
/// 2^64.
///
/// ```
/// use kpmem::Region;
///
/// let dimm = Region { base: 0x1_0000_0000, len: 1 << 30 };
/// let page = Region { base: 0x1_0000_1000, len: 4096 };
/// assert!(dimm.contains(page) && page.overlaps(dimm) && !page.contains(dimm));
/// assert_eq!(page.last(), Some(0x1_0000_1fff));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub base: u64,
    /// Length in bytes.
    pub len: u64,
}

impl Region {
    /// The region's last byte; `None` if it has none or wraps.
    #[must_use]
    pub const fn last(self) -> Option<u64> {
        match self.len.checked_sub(1) {
            Some(rest) => self.base.checked_add(rest),
            None => None,
        }
    }

    /// Whether the whole of `other` lies in this region. An empty one, or one that wraps, lies
    /// nowhere.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        let (Some(last), Some(other_last)) = (self.last(), other.last()) else {
            return false;
        };
        self.base <= other.base && other_last <= last
    }

    /// Whether the two have a byte in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let (Some(last), Some(other_last)) = (self.last(), other.last()) else {
            return false;
        };
        self.base <= other_last && other.base <= last
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x} bytes at {:#x}", self.len, self.base)
    }
}
