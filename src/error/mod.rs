//! What can be wrong with a map, a range or a CPU.
//!
//! Errors name addresses, as who mends a kernel must know them. Where they must not reach a log
//! that anybody reads (Linux's `%pK`), print [`Error::redacted`].

mod text;

pub use text::Redacted;

use crate::Granularity;

/// Why a map was not made, or a checked call was not carried out. Addresses and lengths are in
/// bytes.
///
/// ```
/// use kpmem::{Error, Granularity, Map};
///
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # // SAFETY: as for any map.
/// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
/// match map.persist(base, 8192) {
///     Err(error @ Error::OutsideMap { map_len: 4096, .. }) => {
///         let said = format!("{}", error.redacted()); // for logs that anybody may read
///         assert!(said.starts_with("the range of 0x2000 bytes at (address) is not inside"));
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The base of a map is the null pointer.
    Null {
        /// Length asked for.
        len: usize,
    },
    /// A map of no bytes.
    Empty {
        /// Where it would have started.
        start: usize,
    },
    /// The range runs past the top of the address space.
    Wraps {
        /// Start of the range.
        start: usize,
        /// Length of the range.
        len: usize,
    },
    /// The range is not wholly inside the map. Nothing was touched.
    OutsideMap {
        /// Start of the range.
        start: usize,
        /// Length of the range.
        len: usize,
        /// Start of the map.
        map_start: usize,
        /// Length of the map.
        map_len: usize,
    },
    /// The CPU cannot do what the granularity needs, so a map over it would not be durable.
    Unsupported {
        /// The granularity asked for.
        granularity: Granularity,
        /// What the CPU lacks.
        missing: &'static str,
    },
    /// The map's table has no function that drops lines from the cache. Nothing was touched.
    NotInvalidated {
        /// The granularity of the map.
        granularity: Granularity,
    },
    /// There is no table for lines of this size.
    LineSize {
        /// Line size in bytes, as the CPU or the caller reported it.
        line: usize,
        /// The instruction whose tables were searched.
        instruction: &'static str,
    },
    /// A table of another granularity was given where only one fits.
    WrongGranularity {
        /// The granularity that fits.
        expected: Granularity,
        /// Name of the table that was given.
        table: &'static str,
    },
    /// The flags of a copy contradict each other, or are not known. Nothing was touched.
    Flags {
        /// The flags, as bits.
        flags: u32,
        /// What is wrong with them.
        problem: &'static str,
    },
    /// The destination of a value is not aligned for its type. Nothing was touched.
    Misaligned {
        /// Where it would have been stored.
        start: usize,
        /// The alignment of its type, in bytes.
        align: usize,
    },
    /// A different table is already in use; maps may rely on it.
    AlreadySelected {
        /// Name of the table in use.
        selected: &'static str,
        /// Its line size in bytes.
        line: usize,
    },
    /// Page granularity needs the caller's sync hook: use
    /// [`Map::with_hook`](crate::Map::with_hook).
    NoHook {
        /// Start of the map.
        start: usize,
        /// Length of the map.
        len: usize,
    },
    /// A registered page map already covers part of this range, so an address would have two
    /// hooks.
    Overlap {
        /// Start of the range.
        start: usize,
        /// Length of the range.
        len: usize,
        /// Start of the map that is there.
        other_start: usize,
        /// Length of the map that is there.
        other_len: usize,
    },
    /// The slot holds another page map.
    SlotInUse {
        /// Start of the map that was to be registered.
        start: usize,
        /// Length of that map.
        len: usize,
    },
    /// A plain function pointer was called for a range that no registered page map covers, some
    /// time before this call: it is not durable.
    NotCovered {
        /// Start of the range.
        start: usize,
        /// Length of the range.
        len: usize,
    },
    /// The platform needs a coarser granularity than was asked for.
    TooCoarse {
        /// The coarsest that was asked for.
        required: Granularity,
        /// What the platform needs.
        granularity: Granularity,
    },
    /// The kernel has not mapped a range of persistent memory. Physical addresses.
    NotMapped {
        /// Start of the range.
        base: u64,
        /// Length of the range.
        len: u64,
    },
    /// The firmware says of persistent memory that it cannot be mapped write-back. Physical
    /// addresses.
    NotWriteBack {
        /// Start of the range.
        base: u64,
        /// Length of the range.
        len: u64,
    },
    /// The firmware says of a device of the range that it is not armed: it would not keep what is
    /// stored there. Physical addresses.
    NotArmed {
        /// Start of the range.
        base: u64,
        /// The device's handle.
        device: u32,
    },
    /// A byte is known to be poisoned: a load would fault, or gives nothing. Nothing was touched,
    /// unless the call says otherwise.
    Poisoned {
        /// The first such byte.
        address: usize,
    },
    /// The list of poisoned ranges is full: this one is not in it, or not as a whole.
    PoisonFull {
        /// Start of the range.
        start: usize,
        /// Length of the range.
        len: usize,
    },
    /// The platform has no deeper domain than persist reaches, or none that is known.
    NoDeepDomain {
        /// What was looked for.
        missing: &'static str,
    },
    /// A hook failed, that of a page map or of a deep domain: the range may not be durable there.
    Sync {
        /// Start of what the hook was given: of the whole map, if it was to drain.
        start: usize,
        /// Length of that part.
        len: usize,
        /// What the hook returned.
        code: i32,
    },
}

impl core::error::Error for Error {}
