//! What firmware says of persistent memory: ACPI's tables and the device tree, read from raw bytes.
//!
//! The bytes are not trusted: each access is bounds-checked, nothing is allocated, and what is
//! malformed is an [`Error`] that names where. Tables are checked whole when they are made
//! ([`Nfit::parse`](nfit::Nfit::parse) and its kin), so that what comes out of them later is plain
//! values. From here to maps: [`Platform`](crate::Platform).
//!
//! | table | feature | what |
//! |---|---|---|
//! | NFIT | `nfit` | persistent ranges, their devices and state, flush hints, what a power cut keeps |
//! | CEDT | `acpi` | windows of physical addresses that CXL memory is mapped to |
//! | SRAT | `acpi` | proximity domains, and which memory is not volatile |
//! | RHCT | `acpi` | RISC-V: block sizes of the cache-block instructions |
//! | device tree | `fdt` | `pmem-region` nodes, memory, block sizes |

mod bytes;
#[cfg(feature = "acpi")]
pub mod cedt;
mod error;
#[cfg(feature = "fdt")]
pub mod fdt;
#[cfg(any(feature = "acpi", feature = "fdt"))]
mod harts;
pub mod nfit;
mod records;
#[cfg(feature = "acpi")]
pub mod rhct;
#[cfg(feature = "acpi")]
pub mod srat;
mod table;

#[cfg(feature = "acpi")]
mod find;

pub use error::Error;
#[cfg(feature = "acpi")]
pub use find::find_table;
#[cfg(any(feature = "acpi", feature = "fdt"))]
pub use harts::CacheBlocks;

use core::fmt;

/// A range of physical addresses. Those of this module are not empty, and do not wrap past 2^64.
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
