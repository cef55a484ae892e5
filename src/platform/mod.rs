//! From firmware's tables to maps: which ranges are persistent, at what granularity, and who must
//! be asked for more.

mod range;

pub use range::{Device, PersistentRange, Source};

#[cfg(feature = "fdt")]
use crate::firmware::fdt::DeviceTree;
#[cfg(feature = "acpi")]
use crate::firmware::{
    cedt::{Cedt, Restrictions},
    srat::Srat,
};
use crate::{
    Granularity,
    firmware::{
        Region,
        nfit::{Capabilities, Nfit, Range, RangeKind},
    },
};

/// What the firmware's tables say of this machine's persistent memory. It is given the tables that
/// there are.
///
/// | memory | granularity |
/// |---|---|
/// | range of the NFIT, where the platform flushes the CPU's caches | byte |
/// | range of the NFIT, where it flushes the memory controller, or does not say | cache line |
/// | persistent window of the CEDT | cache line |
/// | `pmem-region` of a device tree, unless it is volatile | cache line |
///
/// (ACPI 6.5, section 5.2.25.9 "Platform Capabilities Structure"; for the others, what Linux takes
/// them for.)
///
/// ```
/// use kpmem::{
///     Granularity, Platform,
///     firmware::{Region, nfit::Nfit},
/// };
///
/// # fn kernel(table: &[u8], physical_to_virtual: impl Fn(u64, u64) -> Option<*mut u8>)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// let platform = Platform::new().with_nfit(Nfit::parse(table)?);
/// for range in platform.ranges() {
///     let to_virtual = |region: Region| physical_to_virtual(region.base, region.len);
///     // SAFETY: the kernel has mapped it write-back, on every CPU.
///     let map = unsafe { range.map(Granularity::CacheLine, to_virtual)? };
///     map.persist(map.address(), 8)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Platform<'a> {
    nfit: Option<Nfit<'a>>,
    #[cfg(feature = "acpi")]
    cedt: Option<Cedt<'a>>,
    #[cfg(feature = "acpi")]
    srat: Option<Srat<'a>>,
    #[cfg(feature = "fdt")]
    tree: Option<DeviceTree<'a>>,
}

impl<'a> Platform<'a> {
    /// A platform of which nothing is known yet.
    ///
    /// ```
    /// use kpmem::{Platform, Region};
    /// use kpmem::firmware::{Error, cedt::Cedt, fdt::DeviceTree, nfit::Nfit, srat::Srat};
    ///
    /// /// All that an ACPI machine says; another has a device tree.
    /// fn of_acpi<'a>(
    ///     nfit: &'a [u8],
    ///     cedt: &'a [u8],
    ///     srat: &'a [u8],
    /// ) -> Result<Platform<'a>, Error> {
    ///     Ok(Platform::new()
    ///         .with_nfit(Nfit::parse(nfit)?)
    ///         .with_cedt(Cedt::parse(cedt)?)
    ///         .with_srat(Srat::parse(srat)?))
    /// }
    ///
    /// fn of_tree(blob: &[u8]) -> Result<Platform<'_>, Error> {
    ///     Ok(Platform::new().with_device_tree(DeviceTree::parse(blob)?))
    /// }
    ///
    /// // Nothing is known yet, so no memory is persistent.
    /// let region = Region { base: 0x1_0000_0000, len: 1 << 30 };
    /// assert!(Platform::new().range(region).is_none());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With ACPI's NFIT.
    #[must_use]
    pub fn with_nfit(self, nfit: Nfit<'a>) -> Self {
        Self {
            nfit: Some(nfit),
            ..self
        }
    }

    /// With ACPI's CEDT, which says where CXL memory may be mapped.
    #[cfg(feature = "acpi")]
    #[must_use]
    pub fn with_cedt(self, cedt: Cedt<'a>) -> Self {
        Self {
            cedt: Some(cedt),
            ..self
        }
    }

    /// With ACPI's SRAT, which has the proximity domains of ranges whose own table has none.
    #[cfg(feature = "acpi")]
    #[must_use]
    pub fn with_srat(self, srat: Srat<'a>) -> Self {
        Self {
            srat: Some(srat),
            ..self
        }
    }

    /// With the device tree.
    #[cfg(feature = "fdt")]
    #[must_use]
    pub fn with_device_tree(self, tree: DeviceTree<'a>) -> Self {
        Self {
            tree: Some(tree),
            ..self
        }
    }

    /// The ranges of persistent memory that the firmware has set up. What the NFIT says of an
    /// address counts, whatever a device tree or a CXL window says of it. (Ranges behind CXL
    /// windows the kernel sets up itself: see [`range`](Self::range).)
    pub fn ranges(&self) -> impl Iterator<Item = PersistentRange<'a>> + use<'_, 'a> {
        let ranges = self.nfit.iter().flat_map(|nfit| {
            let persistent = nfit
                .ranges()
                .filter(|range| range.kind == RangeKind::Persistent);
            persistent.map(|range| self.of_nfit(nfit, range))
        });
        #[cfg(feature = "fdt")]
        let ranges = ranges.chain(self.tree.iter().flat_map(|tree| {
            let persistent = tree.pmem_regions().filter(|pmem| !pmem.volatile);
            let persistent = persistent.filter(|pmem| !self.nfit_knows(pmem.region));
            persistent.map(|pmem| self.by_line(pmem.region, Source::DeviceTree, pmem.domain))
        }));
        ranges
    }

    /// The persistent memory at these physical addresses: a part of one of
    /// [`ranges`](Self::ranges), or of a window that persistent CXL memory may be mapped to. `None`
    /// if no table says so.
    ///
    /// A window may be for volatile memory, too: what a kernel maps there is persistent if it is a
    /// persistent partition of its device, which no table says.
    #[must_use]
    pub fn range(&self, region: Region) -> Option<PersistentRange<'a>> {
        let found = self.ranges().find(|range| range.region().contains(region));
        let found = found.map(|range| range.part(region));
        #[cfg(feature = "acpi")]
        let found = found.or_else(|| self.of_window(region));
        found
    }

    fn of_nfit(&self, nfit: &Nfit<'a>, range: Range) -> PersistentRange<'a> {
        let source = Source::Nfit {
            nfit: nfit.clone(),
            index: range.index,
        };
        let known = self.by_line(range.region, source, range.domain);
        let known = known.with_attributes(range.attributes);
        if nfit.capabilities().contains(Capabilities::CPU_CACHE_FLUSH) {
            return known.with_granularity(Granularity::Byte);
        }
        known
    }

    /// Whether the NFIT says something of these addresses.
    #[cfg(any(feature = "acpi", feature = "fdt"))]
    fn nfit_knows(&self, region: Region) -> bool {
        let mut ranges = self.nfit.iter().flat_map(Nfit::ranges);
        ranges.any(|range| range.region.overlaps(region))
    }

    #[cfg(feature = "acpi")]
    fn of_window(&self, region: Region) -> Option<PersistentRange<'a>> {
        if self.nfit_knows(region) {
            return None;
        }
        // Windows may overlap, and then all must say the same.
        let windows = || {
            let all = self.cedt.iter().flat_map(Cedt::windows);
            all.filter(|window| window.region.overlaps(region))
        };
        let persistent = windows()
            .all(|window| window.restrictions.contains(Restrictions::PERSISTENT))
            && windows().any(|window| window.region.contains(region));
        persistent.then(|| self.by_line(region, Source::CxlWindow, None))
    }

    /// A range at cache-line granularity: what holds unless a table says better.
    fn by_line(
        &self,
        region: Region,
        source: Source<'a>,
        domain: Option<u32>,
    ) -> PersistentRange<'a> {
        #[cfg(feature = "acpi")]
        let domain = domain.or_else(|| self.srat.as_ref()?.domain(region));
        PersistentRange::new(region, source, domain)
    }
}
