//! Structures that follow each other, each with its own length: how ACPI's tables are made.

use crate::firmware::{Error, bytes::Bytes};

/// Where a structure has its type and its length in bytes, which includes both.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    /// Type of 1 byte, length of 1 (SRAT).
    #[cfg(feature = "acpi")]
    Narrow,
    /// Type of 1 byte, one reserved, length of 2 (CEDT).
    #[cfg(feature = "acpi")]
    Mixed,
    /// Type of 2 bytes, length of 2 (NFIT, RHCT).
    Wide,
}

/// A structure with its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: u16,
    pub(super) bytes: Bytes<'a>,
}

/// The structures of a part of a table, in order. After an error nothing more comes.
#[derive(Clone, Debug)]
pub(super) struct Records<'a> {
    head: Head,
    rest: Bytes<'a>,
}

impl<'a> Records<'a> {
    pub(super) const fn new(head: Head, rest: Bytes<'a>) -> Self {
        Self { head, rest }
    }

    /// The first `count` of them, and no more; an error if there are fewer.
    #[cfg(feature = "acpi")]
    pub(super) fn first(&self, count: usize) -> Result<Self, Error> {
        let mut rest = self.clone();
        for _ in 0..count {
            let (_, behind) = rest.split()?;
            rest.rest = behind;
        }
        let len = self.rest.len() - rest.rest.len();
        Ok(Self::new(self.head, self.rest.part(0, len)?))
    }

    fn split(&self) -> Result<(Record<'a>, Bytes<'a>), Error> {
        let (kind, len, least) = match self.head {
            #[cfg(feature = "acpi")]
            Head::Narrow => (
                u16::from(self.rest.u8(0)?),
                usize::from(self.rest.u8(1)?),
                2,
            ),
            #[cfg(feature = "acpi")]
            Head::Mixed => (
                u16::from(self.rest.u8(0)?),
                usize::from(self.rest.u16(2)?),
                4,
            ),
            Head::Wide => (self.rest.u16(0)?, usize::from(self.rest.u16(2)?), 4),
        };
        if len < least {
            // It would never come to an end.
            return Err(Error::Length {
                offset: self.rest.offset,
                len,
                least,
            });
        }
        let bytes = self.rest.part(0, len)?;
        Ok((Record { kind, bytes }, self.rest.from(len)?))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.len() == 0 {
            return None;
        }
        let split = self.split();
        self.rest = split.map_or(
            Bytes {
                bytes: &[],
                offset: 0,
            },
            |(_, rest)| rest,
        );
        Some(split.map(|(record, _)| record))
    }
}
