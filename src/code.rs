//! Errors as numbers, for languages that have no enums with fields.
//!
//! The numbers never change. They are negative, and neither the kernel's (`-EIO` and its like end at
//! -4095) nor libpmem2's (-100000 and on).

use crate::Error;

/// What kind of [`Error`] it is, as a number that never changes: what the C API returns.
///
/// ```
/// use kpmem::{Error, ErrorCode};
///
/// let error = Error::Empty { start: 0x1000 };
/// assert_eq!(error.code(), -200002);
/// assert_eq!(ErrorCode::from_i32(-200002), Some(ErrorCode::Empty));
/// println!("{}", ErrorCode::Empty.message());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorCode {
    /// [`Error::Null`]
    Null = -200_001,
    /// [`Error::Empty`]
    Empty = -200_002,
    /// [`Error::Wraps`]
    Wraps = -200_003,
    /// [`Error::OutsideMap`]
    OutsideMap = -200_004,
    /// [`Error::Unsupported`]
    Unsupported = -200_005,
    /// [`Error::NotInvalidated`]
    NotInvalidated = -200_006,
    /// [`Error::LineSize`]
    LineSize = -200_007,
    /// [`Error::WrongGranularity`]
    WrongGranularity = -200_008,
    /// [`Error::Flags`]
    Flags = -200_009,
    /// [`Error::Misaligned`]
    Misaligned = -200_010,
    /// [`Error::AlreadySelected`]
    AlreadySelected = -200_011,
    /// [`Error::NoHook`]
    NoHook = -200_012,
    /// [`Error::Overlap`]
    Overlap = -200_013,
    /// [`Error::SlotInUse`]
    SlotInUse = -200_014,
    /// [`Error::NotCovered`]
    NotCovered = -200_015,
    /// [`Error::TooCoarse`]
    TooCoarse = -200_016,
    /// [`Error::NotMapped`]
    NotMapped = -200_017,
    /// [`Error::NotWriteBack`]
    NotWriteBack = -200_018,
    /// [`Error::NotArmed`]
    NotArmed = -200_019,
    /// [`Error::Poisoned`]
    Poisoned = -200_020,
    /// [`Error::PoisonFull`]
    PoisonFull = -200_021,
    /// [`Error::NoDeepDomain`]
    NoDeepDomain = -200_022,
    /// [`Error::Sync`]
    Sync = -200_023,
    /// `firmware::Error::Unreadable`
    Unreadable = -200_101,
    /// `firmware::Error::Signature`
    Signature = -200_102,
    /// `firmware::Error::Checksum`
    Checksum = -200_103,
    /// `firmware::Error::Truncated`
    Truncated = -200_104,
    /// `firmware::Error::Length`
    Length = -200_105,
    /// `firmware::Error::Value`
    Value = -200_106,
    /// `firmware::Error::Dangling`
    Dangling = -200_107,
    /// `firmware::Error::Duplicate`
    Duplicate = -200_108,
    /// `firmware::Error::Overlap`
    OverlapInTable = -200_109,
    /// `firmware::Error::TooMany`
    TooMany = -200_110,
    /// `firmware::Error::Tree`
    Tree = -200_111,
    /// `firmware::Error::Missing`
    Missing = -200_112,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::Null,
        Self::Empty,
        Self::Wraps,
        Self::OutsideMap,
        Self::Unsupported,
        Self::NotInvalidated,
        Self::LineSize,
        Self::WrongGranularity,
        Self::Flags,
        Self::Misaligned,
        Self::AlreadySelected,
        Self::NoHook,
        Self::Overlap,
        Self::SlotInUse,
        Self::NotCovered,
        Self::TooCoarse,
        Self::NotMapped,
        Self::NotWriteBack,
        Self::NotArmed,
        Self::Poisoned,
        Self::PoisonFull,
        Self::NoDeepDomain,
        Self::Sync,
        Self::Unreadable,
        Self::Signature,
        Self::Checksum,
        Self::Truncated,
        Self::Length,
        Self::Value,
        Self::Dangling,
        Self::Duplicate,
        Self::OverlapInTable,
        Self::TooMany,
        Self::Tree,
        Self::Missing,
    ];

    /// The kind of error that has this number.
    #[must_use]
    pub fn from_i32(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == code)
    }

    /// A sentence about it, without the addresses and numbers that an [`Error`] has.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Null => "the base of a map, or poison at address 0, is null",
            Self::Empty => "a map of no bytes",
            Self::Wraps => "the range runs past the top of the address space",
            Self::OutsideMap => "the range is not inside the map",
            Self::Unsupported => {
                "the CPU cannot do what the granularity needs, or cannot be asked: select a table"
            }
            Self::NotInvalidated => "the map has no instruction that drops lines from the cache",
            Self::LineSize => "there is no table for cache lines of this size",
            Self::WrongGranularity => "the table is of another granularity",
            Self::Flags => "the flags are unknown or contradict each other",
            Self::Misaligned => "the address or length is not aligned",
            Self::AlreadySelected => "another table is already in use",
            Self::NoHook => "a page-granularity map needs a hook",
            Self::Overlap => "the range overlaps another registered page map",
            Self::SlotInUse => "the slot holds another page map",
            Self::NotCovered => {
                "a function pointer was called for a range that no registered page map covers: it \
                 is not durable"
            }
            Self::TooCoarse => "the platform needs a coarser granularity than was asked for",
            Self::NotMapped => "the persistent memory is not mapped",
            Self::NotWriteBack => "the persistent memory cannot be mapped write-back",
            Self::NotArmed => "a device of the persistent memory is not armed",
            Self::Poisoned => "a byte of the range is poisoned",
            Self::PoisonFull => "the list of poisoned ranges has no room",
            Self::NoDeepDomain => "there is no domain deeper than that of persist",
            Self::Sync => "a hook failed: the range may not be durable",
            Self::Unreadable => "a table of the firmware's, or a part of it, cannot be read",
            Self::Signature => "another table is there, or none",
            Self::Checksum => "the bytes of the table do not add up to zero",
            Self::Truncated => "the table ends inside a field or structure",
            Self::Length => "a length in the table is too small",
            Self::Value => "a field of the table has an impossible value",
            Self::Dangling => "a structure of the table refers to one that does not exist",
            Self::Duplicate => "two structures of the table have the same number",
            Self::OverlapInTable => "two ranges of persistent memory in the table overlap",
            Self::TooMany => "the table has more structures than any machine needs",
            Self::Tree => "the device tree is malformed",
            Self::Missing => "there is no such table or node",
        }
    }
}

impl Error {
    /// Its kind.
    ///
    /// ```
    /// use kpmem::{Error, ErrorCode};
    ///
    /// let error = Error::Empty { start: 0x1000 };
    /// assert_eq!((error.kind(), error.code()), (ErrorCode::Empty, -200002));
    /// ```
    #[must_use]
    pub const fn kind(&self) -> ErrorCode {
        match self {
            Self::Null { .. } => ErrorCode::Null,
            Self::Empty { .. } => ErrorCode::Empty,
            Self::Wraps { .. } => ErrorCode::Wraps,
            Self::OutsideMap { .. } => ErrorCode::OutsideMap,
            Self::Unsupported { .. } => ErrorCode::Unsupported,
            Self::NotInvalidated { .. } => ErrorCode::NotInvalidated,
            Self::LineSize { .. } => ErrorCode::LineSize,
            Self::WrongGranularity { .. } => ErrorCode::WrongGranularity,
            Self::Flags { .. } => ErrorCode::Flags,
            Self::Misaligned { .. } => ErrorCode::Misaligned,
            Self::AlreadySelected { .. } => ErrorCode::AlreadySelected,
            Self::NoHook { .. } => ErrorCode::NoHook,
            Self::Overlap { .. } => ErrorCode::Overlap,
            Self::SlotInUse { .. } => ErrorCode::SlotInUse,
            Self::NotCovered { .. } => ErrorCode::NotCovered,
            Self::TooCoarse { .. } => ErrorCode::TooCoarse,
            Self::NotMapped { .. } => ErrorCode::NotMapped,
            Self::NotWriteBack { .. } => ErrorCode::NotWriteBack,
            Self::NotArmed { .. } => ErrorCode::NotArmed,
            Self::Poisoned { .. } => ErrorCode::Poisoned,
            Self::PoisonFull { .. } => ErrorCode::PoisonFull,
            Self::NoDeepDomain { .. } => ErrorCode::NoDeepDomain,
            Self::Sync { .. } => ErrorCode::Sync,
        }
    }

    /// The number of its [kind](Self::kind), which is negative and never changes.
    #[must_use]
    #[doc(alias = "pmem2_err_to_errno")]
    pub const fn code(&self) -> i32 {
        self.kind() as i32
    }
}

#[cfg(feature = "nfit")]
impl crate::firmware::Error {
    /// Its kind.
    ///
    /// ```
    /// use kpmem::{ErrorCode, firmware::nfit::Nfit};
    ///
    /// let error = Nfit::parse(b"APIC").unwrap_err();
    /// assert_eq!((error.kind(), error.code()), (ErrorCode::Signature, -200102));
    /// ```
    #[must_use]
    pub const fn kind(&self) -> ErrorCode {
        match self {
            Self::Unreadable { .. } => ErrorCode::Unreadable,
            Self::Signature { .. } => ErrorCode::Signature,
            Self::Checksum { .. } => ErrorCode::Checksum,
            Self::Truncated { .. } => ErrorCode::Truncated,
            Self::Length { .. } => ErrorCode::Length,
            Self::Value { .. } => ErrorCode::Value,
            Self::Dangling { .. } => ErrorCode::Dangling,
            Self::Duplicate { .. } => ErrorCode::Duplicate,
            Self::Overlap { .. } => ErrorCode::OverlapInTable,
            Self::TooMany { .. } => ErrorCode::TooMany,
            Self::Tree { .. } => ErrorCode::Tree,
            Self::Missing(_) => ErrorCode::Missing,
        }
    }

    /// The number of its [kind](Self::kind), which is negative and never changes.
    #[must_use]
    pub const fn code(&self) -> i32 {
        self.kind() as i32
    }
}
