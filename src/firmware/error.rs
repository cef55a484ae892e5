use core::fmt;

/// Why what the firmware left cannot be used. Offsets and lengths are in bytes, from the start of
/// the table.
///
/// ```
/// use kpmem::firmware::{Error, nfit::Nfit};
///
/// let error = Nfit::parse(b"APIC").unwrap_err();
/// assert_eq!(error, Error::Signature { expected: "NFIT" });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// An address points outside of what can be read.
    Unreadable {
        /// The physical address.
        address: u64,
        /// Length of what should be there.
        len: usize,
    },
    /// Something else is there.
    Signature {
        /// What should be there.
        expected: &'static str,
    },
    /// The table's bytes do not add up to zero.
    Checksum {
        /// What they add up to.
        sum: u8,
    },
    /// The data ends inside a field or structure.
    Truncated {
        /// Where the field or structure begins.
        offset: usize,
        /// How long it is.
        len: usize,
    },
    /// A length is too small for what it is the length of.
    Length {
        /// Where the table or structure begins.
        offset: usize,
        /// The length that it has.
        len: usize,
        /// The least that it must be.
        least: usize,
    },
    /// A field has a value that is impossible.
    Value {
        /// Where the structure begins.
        offset: usize,
        /// Which field.
        field: &'static str,
        /// What is in it.
        value: u64,
    },
    /// A structure refers to another that does not exist.
    Dangling {
        /// Where the structure begins that refers to it.
        offset: usize,
        /// What does not exist.
        what: &'static str,
        /// Its number.
        number: u32,
    },
    /// Two structures have the same number.
    Duplicate {
        /// Where the second one begins.
        offset: usize,
        /// What it is.
        what: &'static str,
        /// Its number.
        number: u32,
    },
    /// Two ranges of persistent memory have bytes in common.
    Overlap {
        /// Where the second one's structure begins.
        offset: usize,
        /// First byte of the second range.
        base: u64,
    },
    /// A table has more structures than any machine needs.
    TooMany {
        /// The most that it may have.
        most: usize,
    },
    /// A device tree is malformed.
    Tree {
        /// What is wrong.
        problem: &'static str,
    },
    /// No such table or node.
    Missing(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unreadable { address, len } => {
                write!(f, "the {len} bytes at {address:#x} cannot be read")
            }
            Self::Signature { expected } => write!(f, "there is no {expected} here"),
            Self::Checksum { sum } => {
                write!(
                    f,
                    "the bytes of the table add up to {sum:#04x}, not to zero"
                )
            }
            Self::Truncated { offset, len } => {
                write!(
                    f,
                    "the data ends inside the {len} bytes at offset {offset:#x}"
                )
            }
            Self::Length { offset, len, least } => write!(
                f,
                "what is at offset {offset:#x} says it is {len} bytes long, and must be {least}"
            ),
            Self::Value {
                offset,
                field,
                value,
            } => write!(
                f,
                "the structure at offset {offset:#x} has an impossible {field}, {value:#x}"
            ),
            Self::Dangling {
                offset,
                what,
                number,
            } => write!(
                f,
                "the structure at offset {offset:#x} refers to {what} {number:#x}, which does not \
                 exist"
            ),
            Self::Duplicate {
                offset,
                what,
                number,
            } => write!(
                f,
                "the structure at offset {offset:#x} is another {what} {number:#x}"
            ),
            Self::Overlap { offset, base } => write!(
                f,
                "the range at {base:#x}, whose structure is at offset {offset:#x}, overlaps another"
            ),
            Self::TooMany { most } => write!(f, "the table has more than {most} structures"),
            Self::Tree { problem } => write!(f, "the device tree is malformed: {problem}"),
            Self::Missing(what) => write!(f, "there is no {what}"),
        }
    }
}

impl core::error::Error for Error {}
