//! The CXL Early Discovery Table (Compute Express Link 3.1, section 9.18.1).
//!
//! A window says where the platform lets CXL memory be mapped, not that some is there: a kernel
//! programs its decoders, and asks [`Platform::range`](crate::Platform::range) about what it has
//! mapped.
//!
//! ```
//! use kpmem::firmware::{Error, cedt::{Cedt, HostBridge, Restrictions, Structure, Window}};
//!
//! /// The windows that persistent memory may be mapped to, and the host bridges behind each.
//! fn windows(table: &[u8]) -> Result<Vec<(u64, Vec<u32>)>, Error> {
//!     let cedt = Cedt::parse(table)?;
//!     let persistent =
//!         |window: &Window<'_>| window.restrictions.contains(Restrictions::PERSISTENT);
//!     let windows = cedt.windows().filter(persistent);
//!     Ok(windows.map(|window| (window.region.base, window.targets().collect())).collect())
//! }
//!
//! /// Where a host bridge's registers are.
//! fn registers(cedt: &Cedt<'_>, wanted: u32) -> Option<u64> {
//!     cedt.structures().find_map(|structure| match structure {
//!         Structure::HostBridge(HostBridge { uid, registers, .. }) if uid == wanted => {
//!             Some(registers.base)
//!         }
//!         _ => None,
//!     })
//! }
//!
//! assert!(windows(b"no table").is_err());
//! ```

use bitflags::bitflags;

use crate::firmware::{
    Error, Region,
    bytes::{Bytes, u32s},
    records::{Head, Records},
    table::{self, HEADER},
};

/// A checked CEDT.
#[derive(Clone, Debug)]
pub struct Cedt<'a> {
    structures: Records<'a>,
}

/// One structure of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structure<'a> {
    /// Type 0, a host bridge.
    HostBridge(HostBridge),
    /// Type 1, a fixed memory window.
    Window(Window<'a>),
    /// Another type, by its number.
    Other(u8),
}

/// A host bridge (9.18.1.2, "CXL Host Bridge Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostBridge {
    /// Its `_UID` in ACPI's name space.
    pub uid: u32,
    /// 0: CXL 1.1; 1: CXL 2.0 and later.
    pub version: u32,
    /// Its registers.
    pub registers: Region,
}

/// Physical addresses that CXL memory may be mapped to (9.18.1.3, "CXL Fixed Memory Window
/// Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// Its addresses.
    pub region: Region,
    /// What may be mapped there.
    pub restrictions: Restrictions,
    /// How many bytes of one target follow each other; 0 if there is one target, and the table says
    /// nothing that is possible.
    pub granularity: u32,
    /// 0: by modulo, 1: by exclusive or of address bits.
    pub arithmetic: u8,
    /// The throttling group.
    pub group: u16,
    targets: &'a [u8],
}

impl<'a> Window<'a> {
    /// The `_UID`s of the host bridges that are interleaved.
    pub fn targets(self) -> impl Iterator<Item = u32> + use<'a> {
        u32s(self.targets)
    }
}

bitflags! {
    /// What may be mapped to a window ("Window Restrictions").
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Restrictions: u16 {
        /// Memory that a device caches, too (type 2).
        const DEVICE_COHERENT = 1 << 0;
        /// Memory that only hosts cache (type 3).
        const HOST_ONLY_COHERENT = 1 << 1;
        /// Volatile memory.
        const VOLATILE = 1 << 2;
        /// Persistent memory.
        const PERSISTENT = 1 << 3;
        /// The firmware's configuration must stay.
        const FIXED = 1 << 4;
        /// Memory whose device may invalidate the host's lines.
        const BACK_INVALIDATE = 1 << 5;
        /// Others, which later versions define.
        const _ = !0;
    }
}

impl<'a> Cedt<'a> {
    /// Checks a whole table, from its header on: its sum, and each structure's length and fields.
    /// Windows may overlap.
    ///
    /// # Errors
    /// What is malformed, and at which offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let table = table::parse(bytes, "CEDT")?;
        let cedt = Self {
            structures: Records::new(Head::Mixed, table.from(HEADER)?),
        };
        cedt.read().try_for_each(|structure| structure.map(drop))?;
        Ok(cedt)
    }

    /// All structures, in order.
    pub fn structures(&self) -> impl Iterator<Item = Structure<'a>> + use<'a> {
        self.read().filter_map(Result::ok)
    }

    /// The windows.
    pub fn windows(&self) -> impl Iterator<Item = Window<'a>> + use<'a> {
        self.structures().filter_map(|structure| match structure {
            Structure::Window(window) => Some(window),
            _ => None,
        })
    }

    fn read(&self) -> impl Iterator<Item = Result<Structure<'a>, Error>> + use<'a> {
        self.structures.clone().map(|record| {
            let record = record?;
            Ok(match record.kind {
                0 => Structure::HostBridge(host_bridge(record.bytes)?),
                1 => Structure::Window(window(record.bytes)?),
                other => Structure::Other(other as u8),
            })
        })
    }
}

/// What the base of a window, and its part of each target, is a multiple of, in bytes.
const UNIT: u64 = 256 << 20;

fn host_bridge(bytes: Bytes<'_>) -> Result<HostBridge, Error> {
    bytes.at_least(32)?;
    Ok(HostBridge {
        uid: bytes.u32(4)?,
        version: bytes.u32(8)?,
        registers: Region {
            base: bytes.u64(16)?,
            len: bytes.u64(24)?,
        },
    })
}

fn window(bytes: Bytes<'_>) -> Result<Window<'_>, Error> {
    bytes.at_least(36)?;
    let region = Region {
        base: bytes.u64(8)?,
        len: bytes.u64(16)?,
    };
    if region.last().is_none() {
        return Err(bytes.impossible("length", region.len));
    }
    let ways = match bytes.u8(24)? {
        powers @ 0..=4 => 1 << powers,
        threes @ 8..=10 => 3 << (threes - 8),
        other => return Err(bytes.impossible("number of interleave ways", other)),
    };
    if region.base % UNIT != 0 {
        return Err(bytes.impossible("base", region.base));
    }
    if region.len % (ways as u64 * UNIT) != 0 {
        return Err(bytes.impossible("length", region.len));
    }
    let granularity = match bytes.u32(28)? {
        power @ 0..=6 => 256 << power,
        _ if ways == 1 => 0,
        other => return Err(bytes.impossible("interleave granularity", other)),
    };
    Ok(Window {
        region,
        restrictions: Restrictions::from_bits_retain(bytes.u16(32)?),
        granularity,
        arithmetic: bytes.u8(25)?,
        group: bytes.u16(34)?,
        targets: bytes.part(36, 4 * ways)?.bytes,
    })
}
