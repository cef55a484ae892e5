//! Little-endian fields, read with a bounds check that knows where in the table it is.

use crate::firmware::Error;

/// A part of a table, and its offset there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn len(self) -> usize {
        self.bytes.len()
    }

    /// The `len` bytes at `at`.
    pub(super) fn part(self, at: usize, len: usize) -> Result<Self, Error> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.get(..len));
        let offset = self.offset.saturating_add(at);
        match bytes {
            Some(bytes) => Ok(Self { bytes, offset }),
            None => Err(Error::Truncated { offset, len }),
        }
    }

    /// What begins at `at`.
    pub(super) fn from(self, at: usize) -> Result<Self, Error> {
        self.part(at, self.len().saturating_sub(at))
    }

    pub(super) fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.part(at, N)?.bytes);
        Ok(array)
    }

    pub(super) fn u8(self, at: usize) -> Result<u8, Error> {
        self.array(at).map(u8::from_le_bytes)
    }

    pub(super) fn u16(self, at: usize) -> Result<u16, Error> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Result<u32, Error> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(self, at: usize) -> Result<u64, Error> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// An error unless the whole has `least` bytes.
    pub(super) fn at_least(self, least: usize) -> Result<(), Error> {
        if self.len() < least {
            return Err(Error::Length {
                offset: self.offset,
                len: self.len(),
                least,
            });
        }
        Ok(())
    }

    /// The error of a field here whose value is impossible.
    #[cfg(feature = "acpi")]
    pub(super) fn impossible(self, field: &'static str, value: impl Into<u64>) -> Error {
        Error::Value {
            offset: self.offset,
            field,
            value: value.into(),
        }
    }
}

/// The numbers of `N` bytes in a list. What is left over at its end is not looked at.
fn numbers<const N: usize>(list: &[u8]) -> impl Iterator<Item = u64> + Clone + '_ {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte))
    };
    list.chunks_exact(N).map(number)
}

/// The numbers of 8 bytes in a list.
pub(super) fn u64s(list: &[u8]) -> impl Iterator<Item = u64> + Clone + '_ {
    numbers::<8>(list)
}

/// The numbers of 4 bytes in a list.
pub(super) fn u32s(list: &[u8]) -> impl Iterator<Item = u32> + Clone + '_ {
    numbers::<4>(list).map(|number| number as u32)
}
