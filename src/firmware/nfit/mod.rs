//! The NVDIMM Firmware Interface Table (ACPI 6.5, section 5.2.25).
//!
//! ```
//! use kpmem::firmware::{Error, nfit::{Capabilities, Mapping, Nfit, Range, RangeKind, State}};
//!
//! /// The persistent ranges, with what the firmware found of their devices.
//! fn ranges(table: &[u8]) -> Result<Vec<(Range, State)>, Error> {
//!     let nfit = Nfit::parse(table)?;
//!     let persistent = nfit.ranges().filter(|range| range.kind == RangeKind::Persistent);
//!     let state = |range: &Range| {
//!         let states = nfit.mappings(range.index).map(|mapping: Mapping| mapping.state);
//!         states.fold(State::empty(), State::union)
//!     };
//!     Ok(persistent.map(|range| (range, state(&range))).collect())
//! }
//!
//! /// Whether a power cut keeps what is in the CPU's caches.
//! fn flushes_caches(nfit: &Nfit<'_>) -> bool {
//!     nfit.capabilities().contains(Capabilities::CPU_CACHE_FLUSH)
//! }
//!
//! /// Who made a device, and how many flush hints it has.
//! fn device(nfit: &Nfit<'_>, mapping: Mapping) -> Option<(u16, usize)> {
//!     let hints = nfit.flush_hints(mapping.device).map_or(0, |hints| hints.addresses().count());
//!     Some((nfit.control(mapping.control)?.vendor, hints))
//! }
//!
//! assert!(ranges(b"no table").is_err());
//! ```
//!
//! Or everything that is in it:
//!
//! ```
//! use kpmem::firmware::nfit::{
//!     BlockWindow, ControlRegion, ControlWindows, FlushHints, Interleave, Made, Nfit, Other,
//!     Smbios, Structure,
//! };
//!
//! fn print(nfit: &Nfit<'_>) {
//!     for structure in nfit.structures() {
//!         match structure {
//!             Structure::Range(range) => println!("{}: {:?}", range.region, range.kind),
//!             Structure::Interleave(Interleave { line, .. }) => println!("lines of {line} bytes"),
//!             Structure::Smbios(Smbios { data }) => println!("{} bytes of SMBIOS", data.len()),
//!             Structure::Control(ControlRegion { made, windows, .. }) => {
//!                 if let Some(Made { year, week, .. }) = made {
//!                     println!("made in week {week:x} of {year:x}");
//!                 }
//!                 if let Some(ControlWindows { count, .. }) = windows {
//!                     println!("{count} windows");
//!                 }
//!             }
//!             Structure::BlockWindow(BlockWindow { capacity, .. }) => {
//!                 println!("{capacity} bytes");
//!             }
//!             Structure::FlushHints(FlushHints { device, .. }) => {
//!                 println!("hints of {device:#x}");
//!             }
//!             Structure::Other(Other { kind, bytes }) => println!("{kind}: {bytes:02x?}"),
//!             known => println!("{known:?}"),
//!         }
//!     }
//! }
//!
//! /// Bytes of a device after which its next line follows those of the others.
//! fn stride(interleave: Interleave<'_>) -> u64 {
//!     interleave.lines().count() as u64 * u64::from(interleave.line)
//! }
//! ```

mod check;
mod read;
mod structure;

pub use structure::{
    BlockWindow, Capabilities, ControlRegion, ControlWindows, FlushHints, Interleave, Made,
    Mapping, Other, Range, RangeKind, Smbios, State, Structure,
};

use crate::firmware::{
    Error,
    records::{Head, Records},
    table::{self, HEADER},
};

/// A checked NFIT.
#[derive(Clone, Debug)]
pub struct Nfit<'a> {
    structures: Records<'a>,
}

impl<'a> Nfit<'a> {
    /// Checks a whole table, from its header on: its sum, that it has no more structures than
    /// [`MOST_STRUCTURES`](crate::firmware::MOST_STRUCTURES), each structure's length and fields,
    /// that what they refer to exists, and that no two persistent ranges overlap. Bytes that follow
    /// the table are not looked at.
    ///
    /// # Errors
    /// What is malformed, and at which offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let table = table::parse(bytes, "NFIT")?;
        // Four reserved bytes follow the header.
        let nfit = Self {
            structures: Records::new(Head::Wide, table.from(HEADER + 4)?),
        };
        check::check(&nfit)?;
        Ok(nfit)
    }

    /// All structures, in order. Of a type that is not known, its number and its bytes.
    pub fn structures(&self) -> impl Iterator<Item = Structure<'a>> + use<'a> {
        self.read().filter_map(Result::ok).map(|(_, it)| it)
    }

    /// Each structure, with its offset in the table.
    fn read(&self) -> impl Iterator<Item = Result<(usize, Structure<'a>), Error>> + use<'a> {
        let structures = self.structures.clone();
        structures.map(|record| {
            let record = record?;
            Ok((record.bytes.offset, read::structure(record)?))
        })
    }

    /// The ranges of physical addresses, of any kind.
    pub fn ranges(&self) -> impl Iterator<Item = Range> + use<'a> {
        self.structures().filter_map(|structure| match structure {
            Structure::Range(range) => Some(range),
            _ => None,
        })
    }

    /// The parts of devices that make up the range of this index.
    pub fn mappings(&self, range: u16) -> impl Iterator<Item = Mapping> + use<'a> {
        self.structures()
            .filter_map(move |structure| match structure {
                Structure::Mapping(mapping) if mapping.range == range => Some(mapping),
                _ => None,
            })
    }

    /// The control region of this index: who made a device, and which one it is. 0 is none.
    #[must_use]
    pub fn control(&self, index: u16) -> Option<ControlRegion> {
        self.structures().find_map(|structure| match structure {
            Structure::Control(control) if control.index == index && index != 0 => Some(control),
            _ => None,
        })
    }

    /// The flush hints of the device with this handle.
    #[must_use]
    pub fn flush_hints(&self, device: u32) -> Option<FlushHints<'a>> {
        self.structures().find_map(|structure| match structure {
            Structure::FlushHints(hints) if hints.device == device => Some(hints),
            _ => None,
        })
    }

    /// What the platform does by itself when power fails; nothing, if the table does not say.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        let found = self.structures().find_map(|structure| match structure {
            Structure::Capabilities(capabilities) => Some(capabilities),
            _ => None,
        });
        found.unwrap_or(Capabilities::empty())
    }
}
