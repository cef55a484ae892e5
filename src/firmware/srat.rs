//! The System Resource Affinity Table (ACPI 6.5, section 5.2.16): which memory is near to what, and
//! which is not volatile.
//!
//! ```
//! use kpmem::firmware::{Error, Region, srat::{Flags, Memory, Srat}};
//!
//! /// The ranges of memory that are not volatile.
//! fn kept(table: &[u8]) -> Result<Vec<Region>, Error> {
//!     let kept = |memory: &Memory| memory.flags.contains(Flags::NON_VOLATILE);
//!     Ok(Srat::parse(table)?.memory().filter(kept).map(|memory| memory.region).collect())
//! }
//!
//! /// The proximity domain of a region.
//! fn near(srat: &Srat<'_>, region: Region) -> Option<u32> {
//!     srat.domain(region)
//! }
//!
//! assert!(kept(b"no table").is_err());
//! ```

use bitflags::bitflags;

use crate::firmware::{
    Error, Region,
    bytes::Bytes,
    records::{Head, Records},
    table::{self, HEADER},
};

/// A checked SRAT.
#[derive(Clone, Debug)]
pub struct Srat<'a> {
    structures: Records<'a>,
    /// Revision 1 had proximity domains of one byte.
    domains: u32,
}

/// A range of memory and its proximity domain (5.2.16.2, "Memory Affinity Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Its addresses; empty ones and ones that wrap are for nobody's use.
    pub region: Region,
    /// Its proximity domain.
    pub domain: u32,
    /// What it is.
    pub flags: Flags,
}

bitflags! {
    /// What a range of memory is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// The structure is in use.
        const ENABLED = 1 << 0;
        /// The memory may be added later.
        const HOT_PLUGGABLE = 1 << 1;
        /// The memory is not volatile.
        const NON_VOLATILE = 1 << 2;
        /// Others, which later versions define.
        const _ = !0;
    }
}

impl<'a> Srat<'a> {
    /// Checks a whole table, from its header on: its sum, and each structure's length and fields.
    ///
    /// # Errors
    /// What is malformed, and at which offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let table = table::parse(bytes, "SRAT")?;
        // Twelve reserved bytes follow the header.
        let srat = Self {
            structures: Records::new(Head::Narrow, table.from(HEADER + 12)?),
            domains: if table.u8(8)? < 2 { 0xff } else { u32::MAX },
        };
        srat.read().try_for_each(|memory| memory.map(drop))?;
        Ok(srat)
    }

    /// The ranges of memory that are in use, in order.
    pub fn memory(&self) -> impl Iterator<Item = Memory> + use<'a> {
        let memory = self.read().filter_map(Result::ok).flatten();
        memory.filter(|memory| memory.flags.contains(Flags::ENABLED))
    }

    /// The proximity domain of a region, if one range holds the whole of it.
    #[must_use]
    pub fn domain(&self, region: Region) -> Option<u32> {
        let holds = |memory: &Memory| memory.region.contains(region);
        self.memory().find(holds).map(|memory| memory.domain)
    }

    /// Each structure: the memory, or `None` if it is of another type.
    fn read(&self) -> impl Iterator<Item = Result<Option<Memory>, Error>> + use<'a> {
        let domains = self.domains;
        self.structures.clone().map(move |record| {
            let record = record?;
            match record.kind {
                1 => memory(record.bytes, domains).map(Some),
                _ => Ok(None),
            }
        })
    }
}

fn memory(bytes: Bytes<'_>, domains: u32) -> Result<Memory, Error> {
    bytes.at_least(40)?;
    Ok(Memory {
        region: Region {
            base: bytes.u64(8)?,
            len: bytes.u64(16)?,
        },
        domain: bytes.u32(2)? & domains,
        flags: Flags::from_bits_retain(bytes.u32(28)?),
    })
}
