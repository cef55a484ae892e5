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

/// The most structures of an NFIT, nodes of an RHCT and `pmem-region`s of a device tree: to check
/// what they refer to takes a time that is quadratic in them, and a machine has some for each
/// device.
pub const MOST_STRUCTURES: usize = 2048;

pub use crate::Region;
pub use error::Error;
#[cfg(feature = "acpi")]
pub use find::find_table;
#[cfg(any(feature = "acpi", feature = "fdt"))]
pub use harts::CacheBlocks;
