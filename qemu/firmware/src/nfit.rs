//! The NVDIMM Firmware Interface Table (ACPI 6.5, section 5.2.25).

use crate::{Error, acpi, bytes};

/// GUID of a byte-addressable persistent range, 66F0D379-B4F3-4074-AC43-0D3318B78CDB
/// (table 5.130, "SPA Range Structure"), in the mixed byte order of ACPI.
const PERSISTENT: [u8; 16] = [
    0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40, 0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c, 0xdb,
];

/// A checked view of the table.
#[derive(Clone, Copy, Debug)]
pub struct Nfit<'a> {
    structures: &'a [u8],
}

/// One structure of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structure {
    /// Type 0: a range of system physical addresses.
    Range(Range),
    /// Type 7: what the platform flushes by itself when power fails.
    Capabilities(Capabilities),
    /// Another type, by its number.
    Other(u16),
}

/// A range of system physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub base: u64,
    /// Length in bytes.
    pub len: u64,
    /// Whether it is byte-addressable persistent memory.
    pub persistent: bool,
}

/// Platform capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// CPU caches are flushed on power loss: stores are durable once they left the core (eADR).
    pub cpu_cache_flush: bool,
    /// The memory controller is flushed on power loss (ADR).
    pub memory_controller_flush: bool,
}

impl<'a> Nfit<'a> {
    /// Views a whole table, header included. Its checksum is the finder's business.
    pub fn parse(table: &'a [u8]) -> Result<Self, Error> {
        if !table.starts_with(b"NFIT") {
            return Err(Error::Signature);
        }
        let len = bytes::u32(table, 4)? as usize;
        // Four reserved bytes follow the header.
        let structures = table.get(acpi::HEADER + 4..len).ok_or(Error::Truncated)?;
        Ok(Self { structures })
    }

    /// The structures in order. After an error nothing more comes.
    pub fn structures(self) -> impl Iterator<Item = Result<Structure, Error>> + 'a {
        let mut rest = self.structures;
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (structure, next) = match split(rest) {
                Ok((bytes, next)) => (Structure::parse(bytes), next),
                Err(error) => (Err(error), &[][..]),
            };
            rest = if structure.is_ok() { next } else { &[] };
            Some(structure)
        })
    }

    /// The first byte-addressable persistent range.
    pub fn first_persistent_range(self) -> Result<Range, Error> {
        for structure in self.structures() {
            match structure? {
                Structure::Range(range) if range.persistent => return Ok(range),
                _ => {}
            }
        }
        Err(Error::Missing("persistent range in the NFIT"))
    }
}

/// The first structure's bytes, and the rest.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let len = usize::from(bytes::u16(bytes, 2)?);
    if len < 4 {
        return Err(Error::Length); // would never come to an end
    }
    bytes.split_at_checked(len).ok_or(Error::Truncated)
}

impl Structure {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Ok(match bytes::u16(bytes, 0)? {
            0 => Self::Range(Range {
                base: bytes::u64(bytes, 32)?,
                len: bytes::u64(bytes, 40)?,
                persistent: bytes::array(bytes, 16)? == PERSISTENT,
            }),
            7 => {
                let capabilities = bytes::u32(bytes, 8)?;
                Self::Capabilities(Capabilities {
                    cpu_cache_flush: capabilities & 1 != 0,
                    memory_controller_flush: capabilities & 2 != 0,
                })
            }
            other => Self::Other(other),
        })
    }
}
