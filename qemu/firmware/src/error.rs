use core::fmt;

/// Why the firmware's data could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The data ends before a field or structure does.
    Truncated,
    /// An address points outside what can be read.
    Unreadable(u64),
    /// A table or header starts with the wrong signature.
    Signature,
    /// The bytes of a table do not add up to zero.
    Checksum,
    /// A structure's length field is impossible.
    Length,
    /// No such table, file or node.
    Missing(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the data is truncated"),
            Self::Unreadable(address) => write!(f, "nothing to read at {address:#x}"),
            Self::Signature => f.write_str("wrong signature"),
            Self::Checksum => f.write_str("wrong checksum"),
            Self::Length => f.write_str("impossible length"),
            Self::Missing(what) => write!(f, "there is no {what}"),
        }
    }
}

impl core::error::Error for Error {}
