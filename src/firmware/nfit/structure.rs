//! The structures of an NFIT, by their sections in ACPI 6.5.

use core::fmt;

use bitflags::bitflags;

use crate::firmware::{
    Region,
    bytes::{u32s, u64s},
};

/// One structure of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structure<'a> {
    /// Type 0.
    Range(Range),
    /// Type 1.
    Mapping(Mapping),
    /// Type 2.
    Interleave(Interleave<'a>),
    /// Type 3.
    Smbios(Smbios<'a>),
    /// Type 4.
    Control(ControlRegion),
    /// Type 5.
    BlockWindow(BlockWindow),
    /// Type 6.
    FlushHints(FlushHints<'a>),
    /// Type 7.
    Capabilities(Capabilities),
    /// Another type.
    Other(Other<'a>),
}

/// A range of physical addresses (5.2.25.2, "System Physical Address (SPA) Range Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its number, by which mappings refer to it.
    pub index: u16,
    /// Its addresses.
    pub region: Region,
    /// What is there.
    pub kind: RangeKind,
    /// Its proximity domain, if the table says.
    pub domain: Option<u32>,
    /// How it may be mapped: attributes of UEFI's `EFI_MEMORY_DESCRIPTOR`. Bit 3 is write-back.
    pub attributes: u64,
    /// The location cookie, if the table has one.
    pub cookie: Option<u64>,
}

/// What a range of physical addresses is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeKind {
    /// Byte-addressable persistent memory.
    Persistent,
    /// Volatile memory.
    Volatile,
    /// Registers of a device's control region.
    Control,
    /// Windows to a device that is not byte-addressable.
    BlockWindow,
    /// A RAM disk that is volatile.
    VolatileDisk,
    /// A CD image that is volatile.
    VolatileCd,
    /// A RAM disk that is persistent.
    PersistentDisk,
    /// A CD image that is persistent.
    PersistentCd,
    /// Another GUID, as its bytes are in the table.
    Other([u8; 16]),
}

/// The part of a device that is in a range (5.2.25.3, "NVDIMM Region Mapping Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The device's handle.
    pub device: u32,
    /// The device's number in SMBIOS.
    pub physical: u16,
    /// The region's number in the device.
    pub region: u16,
    /// Index of the range; 0 if it is in none.
    pub range: u16,
    /// Index of the control region; 0 if there is none.
    pub control: u16,
    /// Length of the part in bytes.
    pub size: u64,
    /// Where the part begins in the range, if it is interleaved.
    pub offset: u64,
    /// Where it begins in the device.
    pub address: u64,
    /// Index of the interleave structure; 0 if the device is not interleaved.
    pub interleave: u16,
    /// How many devices are interleaved.
    pub ways: u16,
    /// What the firmware found.
    pub state: State,
}

bitflags! {
    /// What the firmware found of a device (5.2.25.3, "NVDIMM State Flags").
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct State: u16 {
        /// The last save to the medium failed: what was durable may be lost (an unsafe shutdown).
        const SAVE_FAILED = 1 << 0;
        /// The last restore from the medium failed.
        const RESTORE_FAILED = 1 << 1;
        /// The platform's last flush to the device failed (an unsafe shutdown).
        const FLUSH_FAILED = 1 << 2;
        /// The device is not armed: it will not keep what is stored from now on.
        const NOT_ARMED = 1 << 3;
        /// The device has reported events of its health.
        const HEALTH_OBSERVED = 1 << 4;
        /// The firmware tells of such events.
        const HEALTH_NOTIFIED = 1 << 5;
        /// The firmware could not map the part.
        const NOT_MAPPED = 1 << 6;
        /// Others, which later versions define.
        const _ = !0;
    }
}

impl State {
    /// What of it says that data was lost when power failed last.
    pub const UNSAFE_SHUTDOWN: Self = Self::SAVE_FAILED
        .union(Self::RESTORE_FAILED)
        .union(Self::FLUSH_FAILED);
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (Self::SAVE_FAILED, "last save failed"),
            (Self::RESTORE_FAILED, "last restore failed"),
            (Self::FLUSH_FAILED, "last flush failed"),
            (Self::NOT_ARMED, "not armed"),
            (Self::HEALTH_OBSERVED, "health events observed"),
            (Self::HEALTH_NOTIFIED, "health events enabled"),
            (Self::NOT_MAPPED, "not mapped"),
        ];
        let set = named.iter().filter(|(flag, _)| self.contains(*flag));
        for (count, (_, name)) in set.enumerate() {
            let comma = if count == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

/// How devices are interleaved (5.2.25.4, "Interleave Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interleave<'a> {
    /// Its number, by which mappings refer to it.
    pub index: u16,
    /// Length of a line in bytes.
    pub line: u32,
    pub(super) lines: &'a [u8],
}

impl<'a> Interleave<'a> {
    /// Where each line of the device begins, in lines.
    pub fn lines(self) -> impl Iterator<Item = u32> + use<'a> {
        u32s(self.lines)
    }
}

/// Entries of SMBIOS, opaque (5.2.25.5, "SMBIOS Management Information Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smbios<'a> {
    /// The entries.
    pub data: &'a [u8],
}

/// Who made a device, and which one it is (5.2.25.6, "NVDIMM Control Region Structure"). JEDEC's
/// numbers are read as Linux prints them: the first byte of the device's SPD is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRegion {
    /// Its number, by which mappings and block windows refer to it.
    pub index: u16,
    /// The vendor, as JEDEC numbers them.
    pub vendor: u16,
    /// The vendor's number of the device.
    pub device: u16,
    /// The device's revision.
    pub revision: u16,
    /// Vendor, device and revision of the controller.
    pub subsystem: [u16; 3],
    /// Where and when it was made, if the table says.
    pub made: Option<Made>,
    /// Serial number.
    pub serial: u32,
    /// Region format interface code (JEDEC Annex L).
    pub format: u16,
    /// Registers of block windows, if it has some.
    pub windows: Option<ControlWindows>,
}

/// Where and when a device was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The vendor's number of the place.
    pub location: u8,
    /// The last two digits of the year, in BCD.
    pub year: u8,
    /// The week, in BCD.
    pub week: u8,
}

/// The registers by which blocks are moved. Offsets and lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlWindows {
    /// How many there are.
    pub count: u16,
    /// Length of each.
    pub size: u64,
    /// Offset and length of the command register.
    pub command: [u64; 2],
    /// Offset and length of the status register.
    pub status: [u64; 2],
    /// Whether the command register's value must be latched.
    pub buffered: bool,
}

/// Windows to a device that is not byte-addressable (5.2.25.7, "NVDIMM Block Data Window Region
/// Structure"). Offsets and lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockWindow {
    /// Index of the control region.
    pub control: u16,
    /// How many there are.
    pub count: u16,
    /// Offset of the first in the range.
    pub offset: u64,
    /// Length of each.
    pub size: u64,
    /// Capacity of the device behind them.
    pub capacity: u64,
    /// Where that begins.
    pub address: u64,
}

/// Addresses that a store to makes a device flush its buffers (5.2.25.8, "Flush Hint Address
/// Structure").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushHints<'a> {
    /// The device's handle.
    pub device: u32,
    pub(super) list: &'a [u8],
}

impl<'a> FlushHints<'a> {
    /// The physical addresses. One store to any of them flushes the device.
    pub fn addresses(self) -> impl Iterator<Item = u64> + use<'a> {
        u64s(self.list)
    }
}

bitflags! {
    /// What the platform does by itself when power fails (5.2.25.9, "Platform Capabilities
    /// Structure").
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Capabilities: u32 {
        /// It writes the CPU's caches back: what left the core is durable (eADR).
        const CPU_CACHE_FLUSH = 1 << 0;
        /// It writes the memory controller's buffers back (ADR).
        const MEMORY_CONTROLLER_FLUSH = 1 << 1;
        /// It mirrors byte-addressable persistent memory.
        const MIRRORING = 1 << 2;
        /// Others, which later versions define.
        const _ = !0;
    }
}

/// A structure of a type that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other<'a> {
    /// Its type.
    pub kind: u16,
    /// All of its bytes.
    pub bytes: &'a [u8],
}
