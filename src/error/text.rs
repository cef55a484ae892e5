//! What errors say, with addresses and without.

use core::fmt;

use super::Error;

/// An address as an error shows it.
struct Address {
    address: usize,
    redacted: bool,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.redacted {
            return f.write_str("(address)");
        }
        write!(f, "{:#x}", self.address)
    }
}

/// An [`Error`] that prints no address: see [`Error::redacted`].
///
/// ```
/// use kpmem::{Error, Redacted};
///
/// let redacted: Redacted = Error::Empty { start: 0xffff_9000_0000_0000 }.redacted();
/// assert_eq!(redacted.to_string(), "the map at (address) has no bytes");
/// ```
#[derive(Clone, Copy)]
pub struct Redacted(Error);

impl Error {
    /// The same error without addresses, for logs that anybody may read.
    #[must_use]
    pub const fn redacted(self) -> Redacted {
        Redacted(self)
    }

    fn write(self, f: &mut fmt::Formatter<'_>, redacted: bool) -> fmt::Result {
        let at = |address| Address { address, redacted };
        match self {
            Self::Null { len } => write!(f, "the base of a map of {len} bytes is null"),
            Self::Empty { start } => write!(f, "the map at {} has no bytes", at(start)),
            Self::Wraps { start, len } => write!(
                f,
                "the range of {len:#x} bytes at {} runs past the top of the address space",
                at(start)
            ),
            Self::OutsideMap {
                start,
                len,
                map_start,
                map_len,
            } => write!(
                f,
                "the range of {len:#x} bytes at {} is not inside the map of {map_len:#x} bytes \
                 at {}",
                at(start),
                at(map_start)
            ),
            Self::Unsupported {
                granularity,
                missing,
            } => write!(f, "{granularity} granularity is not possible: {missing}"),
            Self::NotInvalidated { granularity } => write!(
                f,
                "the {granularity} map has no instruction that drops lines from the cache"
            ),
            Self::LineSize { line, instruction } => {
                write!(f, "there is no {instruction} table for {line}-byte lines")
            }
            Self::WrongGranularity { expected, table } => {
                write!(f, "the table {table} is not of {expected} granularity")
            }
            Self::Flags { flags, problem } => write!(f, "the flags {flags:#x}: {problem}"),
            Self::Misaligned { start, align } => {
                write!(
                    f,
                    "the address {} is not aligned to {align} bytes",
                    at(start)
                )
            }
            Self::AlreadySelected { selected, line } => write!(
                f,
                "another table is already in use: {selected}, for {line}-byte lines"
            ),
            Self::NoHook { start, len } => write!(
                f,
                "the page-granularity map of {len:#x} bytes at {} has no hook: make it by \
                 Map::with_hook (feature page)",
                at(start)
            ),
            Self::Overlap {
                start,
                len,
                other_start,
                other_len,
            } => write!(
                f,
                "the range of {len:#x} bytes at {} overlaps the registered page map of \
                 {other_len:#x} bytes at {}",
                at(start),
                at(other_start)
            ),
            Self::SlotInUse { start, len } => write!(
                f,
                "the slot for the page map of {len:#x} bytes at {} holds another map",
                at(start)
            ),
            Self::NotCovered { start, len } => write!(
                f,
                "a function pointer was called for {len:#x} bytes at {}, which no registered page \
                 map covers: they are not durable",
                at(start)
            ),
            Self::TooCoarse {
                required,
                granularity,
            } => write!(
                f,
                "the platform needs {granularity} granularity, which is coarser than {required}"
            ),
            Self::NotMapped { base, len } => write!(
                f,
                "the persistent memory of {len:#x} bytes at {} is not mapped",
                at(base as usize)
            ),
            Self::NotWriteBack { base, len } => write!(
                f,
                "the persistent memory of {len:#x} bytes at {} cannot be mapped write-back",
                at(base as usize)
            ),
            Self::NotArmed { base, device } => write!(
                f,
                "the device {device:#x} of the persistent memory at {} is not armed",
                at(base as usize)
            ),
            Self::Poisoned { address } => write!(f, "the byte at {} is poisoned", at(address)),
            Self::PoisonFull { start, len } => write!(
                f,
                "the list of poisoned ranges has no room for {len:#x} bytes at {}",
                at(start)
            ),
            Self::NoDeepDomain { missing } => {
                write!(
                    f,
                    "there is no domain deeper than that of persist: {missing}"
                )
            }
            Self::Sync { start, len, code } => write!(
                f,
                "the sync hook returned {code} for {len:#x} bytes at {}, which may not be durable",
                at(start)
            ),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, true)
    }
}

/// What [`unwrap`](Result::unwrap) prints has no addresses either.
impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Redacted {}
