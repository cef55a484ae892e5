//! What a platform makes durable.

use core::fmt;

/// What the platform makes durable, and so which functions a map needs. In order, from the finest.
///
/// ```
/// use kpmem::Granularity;
///
/// assert!(Granularity::Byte < Granularity::CacheLine);
/// assert!(Granularity::CacheLine < Granularity::Page);
/// assert_eq!(Granularity::CacheLine.to_string(), "cache-line");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Granularity {
    /// Every store that has left the core (eADR, battery-backed or flush-on-fail caches). Persist
    /// is a store fence.
    Byte,
    /// Every cache line that was written back (ADR, Arm's point of persistence, RISC-V Zicbom).
    CacheLine,
    /// Only what the host or device was asked to sync (virtio-pmem, block-backed memory). Persist
    /// calls the map's hook.
    Page,
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Byte => "byte",
            Self::CacheLine => "cache-line",
            Self::Page => "page",
        })
    }
}
