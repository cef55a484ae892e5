//! An instruction set without a file of its own: nothing is known to write a line back, so cache-line maps are refused.
//! Byte and page granularity work.

use core::sync::atomic::{Ordering, fence};

use crate::{Error, Granularity, Table};

/// The strongest fence that the compiler knows for this CPU.
#[inline(always)]
pub fn store_fence() {
    fence(Ordering::SeqCst);
}

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
