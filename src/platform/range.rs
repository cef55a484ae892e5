//! A range of persistent memory, and the map over it.

use crate::{
    Error, Granularity, Map,
    firmware::{
        Region,
        nfit::{ControlRegion, FlushHints, Mapping, Nfit, State},
    },
};

/// A range of physical addresses where there is persistent memory.
///
/// ```
/// use kpmem::{Error, Granularity, Map, PersistentRange, Region, firmware::nfit::State};
///
/// /// A map of a range, unless it may have lost what was durable before.
/// fn open(
///     range: &PersistentRange<'_>,
///     to_virtual: impl FnOnce(Region) -> Option<*mut u8>,
/// ) -> Result<Option<Map>, Error> {
///     if range.state().intersects(State::UNSAFE_SHUTDOWN) {
///         return Ok(None);
///     }
///     // SAFETY: the kernel has mapped it write-back, on every CPU.
///     unsafe { range.map(Granularity::CacheLine, to_virtual) }.map(Some)
/// }
///
/// /// What there is to log of it.
/// fn describe(range: &PersistentRange<'_>) -> String {
///     let devices = range.devices().count();
///     let hints = range.flush_hints().map_or(0, Iterator::count);
///     format!(
///         "{} ({:?}), {} granularity, {devices} devices, {hints} hints, domain {:?}",
///         range.region(),
///         range.source(),
///         range.granularity(),
///         range.domain(),
///     )
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PersistentRange<'a> {
    region: Region,
    granularity: Granularity,
    source: Source<'a>,
    domain: Option<u32>,
    attributes: Option<u64>,
}

/// `EFI_MEMORY_WB` (UEFI 2.10, section 7.2.3 "EFI_BOOT_SERVICES.GetMemoryMap()").
const WRITE_BACK: u64 = 1 << 3;

/// Which table says that a range is persistent.
///
/// ```
/// use kpmem::{PersistentRange, Source};
///
/// /// What the kernel has set up itself, no table can call persistent.
/// fn is_certain(range: &PersistentRange<'_>) -> bool {
///     !matches!(range.source(), Source::CxlWindow)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source<'a> {
    /// ACPI's NFIT.
    Nfit {
        /// The table.
        nfit: Nfit<'a>,
        /// The range's index there.
        index: u16,
    },
    /// A window of ACPI's CEDT.
    CxlWindow,
    /// A `pmem-region` node of the device tree.
    DeviceTree,
}

/// A device that is a part of a range.
///
/// ```
/// use kpmem::{Device, PersistentRange};
///
/// /// The serial numbers of a range's devices.
/// fn serials(range: &PersistentRange<'_>) -> Vec<u32> {
///     let of = |device: Device<'_>| device.control.map(|control| control.serial);
///     range.devices().filter_map(of).collect()
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device<'a> {
    /// Which part, and what the firmware found of its state.
    pub mapping: Mapping,
    /// Who made it, and which one it is.
    pub control: Option<ControlRegion>,
    /// A store to any of these addresses flushes its buffers.
    pub flush_hints: Option<FlushHints<'a>>,
}

impl<'a> PersistentRange<'a> {
    pub(super) fn new(region: Region, source: Source<'a>, domain: Option<u32>) -> Self {
        Self {
            region,
            granularity: Granularity::CacheLine,
            source,
            domain,
            attributes: None,
        }
    }

    pub(super) fn with_attributes(self, attributes: u64) -> Self {
        Self {
            attributes: Some(attributes),
            ..self
        }
    }

    pub(super) fn with_granularity(self, granularity: Granularity) -> Self {
        Self {
            granularity,
            ..self
        }
    }

    /// The same, of a part of its addresses.
    pub(super) fn part(self, region: Region) -> Self {
        Self { region, ..self }
    }

    /// Its physical addresses.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region
    }

    /// What the platform makes durable.
    #[must_use]
    pub fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Its proximity domain, if a table says.
    #[must_use]
    pub fn domain(&self) -> Option<u32> {
        self.domain
    }

    /// Which table says that it is persistent.
    #[must_use]
    pub fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// The devices that make it up, of which only the NFIT knows.
    pub fn devices(&self) -> impl Iterator<Item = Device<'a>> + use<'a> {
        let nfit = match &self.source {
            Source::Nfit { nfit, index } => Some((nfit.clone(), *index)),
            Source::CxlWindow | Source::DeviceTree => None,
        };
        nfit.into_iter().flat_map(|(nfit, index)| {
            nfit.mappings(index).map(move |mapping| Device {
                mapping,
                control: nfit.control(mapping.control),
                flush_hints: nfit.flush_hints(mapping.device),
            })
        })
    }

    /// What the firmware found of its devices, all taken together. [`State::UNSAFE_SHUTDOWN`] says
    /// whether what was durable before may be lost.
    #[must_use]
    pub fn state(&self) -> State {
        self.devices()
            .map(|device| device.mapping.state)
            .fold(State::empty(), State::union)
    }

    /// The physical addresses of its devices' flush hints, all of each. A kernel maps them
    /// uncached, for [`deep::Hints`](crate::deep::Hints).
    ///
    /// # Errors
    /// [`Error::NoDeepDomain`] unless every device has some: stores to those of the others would
    /// leave a part of the range behind.
    pub fn flush_hints(&self) -> Result<impl Iterator<Item = u64> + use<'a>, Error> {
        let without = |device: Device<'a>| match device.flush_hints {
            Some(hints) => hints.addresses().next().is_none(),
            None => true,
        };
        if self.devices().next().is_none() || self.devices().any(without) {
            return Err(Error::NoDeepDomain {
                missing: "not every device of the range has flush hints",
            });
        }
        let hints = self.devices().filter_map(|device| device.flush_hints);
        Ok(hints.flat_map(FlushHints::addresses))
    }

    /// A map of the range, at its granularity. `coarsest` is the coarsest that the caller can live
    /// with (libpmem2's required store granularity). `to_virtual` says where the kernel has mapped
    /// these physical addresses, `None` if nowhere.
    ///
    /// # Errors
    /// [`Error::TooCoarse`]; [`Error::NotArmed`], where the firmware says that a device will not
    /// keep what is stored; [`Error::NotWriteBack`], where it says that the memory cannot be mapped
    /// so; [`Error::NotMapped`], by the kernel or, for a part of the range, by the firmware; and
    /// those of [`Map::new`].
    ///
    /// # Safety
    /// What `to_virtual` returns must be that memory as a whole, mapped write-back on every CPU for
    /// as long as the map is used; and the tables must be those of this machine.
    #[doc(alias = "pmem2_config_set_required_store_granularity")]
    pub unsafe fn map(
        &self,
        coarsest: Granularity,
        to_virtual: impl FnOnce(Region) -> Option<*mut u8>,
    ) -> Result<Map, Error> {
        let (Region { base, len }, granularity) = (self.region, self.granularity);
        if granularity > coarsest {
            return Err(Error::TooCoarse {
                required: coarsest,
                granularity,
            });
        }
        let not_armed = |device: &Device<'_>| device.mapping.state.contains(State::NOT_ARMED);
        if let Some(device) = self.devices().find(not_armed) {
            return Err(Error::NotArmed {
                base,
                device: device.mapping.device,
            });
        }
        if self.state().contains(State::NOT_MAPPED) {
            return Err(Error::NotMapped { base, len });
        }
        if self
            .attributes
            .is_some_and(|attributes| attributes & WRITE_BACK == 0)
        {
            return Err(Error::NotWriteBack { base, len });
        }
        let start = to_virtual(self.region).ok_or(Error::NotMapped { base, len })?;
        // SAFETY: the caller vouches for the memory, the firmware for what the platform keeps.
        unsafe { Map::new(start, len as usize, granularity) }
    }
}
