use core::fmt;

/// Why the script could not be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The data ends before a field or structure does.
    Truncated,
    /// A length is impossible.
    Length,
    /// No such file.
    Missing(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the data is truncated"),
            Self::Length => f.write_str("impossible length"),
            Self::Missing(what) => write!(f, "there is no {what}"),
        }
    }
}

impl core::error::Error for Error {}
