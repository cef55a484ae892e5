//! What a CPU reports, and which table it gets.
//!
//! SDM Volume 2 and APM Volume 3, "CPUID".

use bitflags::bitflags;
#[cfg(feature = "detect")]
use raw_cpuid::{CpuId, CpuIdReader, CpuIdReaderNative};

use super::{BYTE_CLZERO, CLFLUSH, CLFLUSHOPT, CLFLUSHOPT_CLZERO, CLWB, CLWB_CLZERO};
use crate::{BYTE, Error, Granularity, Table};

bitflags! {
    /// The write-back instructions that a CPU has, and those that copy or zero a whole line.
    ///
    /// ```
    /// use kpmem::arch::{Cpu, Features};
    ///
    /// let cpu = Cpu { features: Features::CLWB | Features::CLFLUSHOPT, line: 64 };
    /// assert_eq!(cpu.table()?.name(), "clwb");
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Features: u32 {
        /// CPUID leaf 1, EDX bit 19.
        const CLFLUSH = 1 << 0;
        /// CPUID leaf 7.0, EBX bit 23.
        const CLFLUSHOPT = 1 << 1;
        /// CPUID leaf 7.0, EBX bit 24.
        const CLWB = 1 << 2;
        /// CPUID leaf 0x8000_0008, EBX bit 0.
        const CLZERO = 1 << 3;
        /// CPUID leaf 7.0, ECX bit 28.
        const MOVDIR64B = 1 << 4;
    }
}

/// What a CPU reports of its cache lines. A hypervisor that hides instructions makes its own, and
/// gives its table to [`select`](crate::select).
///
/// ```
/// use kpmem::arch::{Cpu, Features};
///
/// // What a hypervisor leaves of this CPU, which also has slower ones beside it.
/// let mut cpu = Cpu::detect().common(Cpu { features: Features::all(), line: 64 });
/// cpu.features.remove(Features::CLWB);
/// if let Ok(table) = cpu.table() {
///     assert_ne!(table.name(), "clwb");
/// }
/// assert_eq!(cpu.byte_table().name(), "byte");
///
/// // One that reports nothing.
/// let nothing = |_leaf, _subleaf| raw_cpuid::CpuIdResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
/// assert!(Cpu::from_cpuid(nothing).table().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its instructions.
    pub features: Features,
    /// Bytes that `clflush` and its kin cover: CPUID leaf 1, EBX bits 15 to 8, times 8.
    pub line: usize,
}

impl Cpu {
    /// Reads CPUID of the CPU that this runs on.
    #[cfg(feature = "detect")]
    #[must_use]
    pub fn detect() -> Self {
        Self::from_cpuid(CpuIdReaderNative)
    }

    /// Reads CPUID by a function of leaf and subleaf, which may stand in for another CPU.
    #[cfg(feature = "detect")]
    pub fn from_cpuid(reader: impl CpuIdReader) -> Self {
        let cpuid = CpuId::with_cpuid_reader(reader.clone());
        let basic = cpuid.get_feature_info();
        let extended = cpuid.get_extended_feature_info();
        let capacities = cpuid.get_processor_capacity_feature_info();
        let mut features = Features::empty();
        for (feature, there) in [
            (
                Features::CLFLUSH,
                basic.as_ref().is_some_and(|f| f.has_clflush()),
            ),
            (
                Features::CLFLUSHOPT,
                extended.as_ref().is_some_and(|f| f.has_clflushopt()),
            ),
            (
                Features::CLWB,
                extended.as_ref().is_some_and(|f| f.has_clwb()),
            ),
            (
                Features::CLZERO,
                capacities.is_some_and(|f| f.has_cl_zero()),
            ),
            // raw-cpuid has no accessor for it.
            (
                Features::MOVDIR64B,
                extended.is_some() && reader.cpuid2(7, 0).ecx & 1 << 28 != 0,
            ),
        ] {
            features.set(feature, there);
        }
        let eighths = basic.map_or(0, |f| f.cflush_cache_line_size());
        Self {
            features,
            line: usize::from(eighths) * 8,
        }
    }

    /// What two kinds of CPU in one machine have in common: the instructions that both have, and
    /// the smaller line, which no flush of either skips. Fold it over all CPUs.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self {
            features: self.features & other.features,
            line: self.line.min(other.line),
        }
    }

    /// The table of its best instruction: `clwb` keeps the line cached, `clflushopt` runs in
    /// parallel, `clflush` does neither. (`clwb` without `clflushopt`, which no CPU has, counts for
    /// nothing, as nothing would drop a line then.)
    ///
    /// Its copies are tuned for the CPUs that have such features: `clzero` is AMD's, and AMD's CPUs
    /// gain by other stores than Intel's. `movdir64b` is in no table by default: on Intel's Emerald
    /// Rapids it took 1.05 to 1.2 times as long as `movnti` from 16 KiB on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with no such instruction, [`Error::LineSize`] with lines that no
    /// table has.
    pub fn table(self) -> Result<&'static Table, Error> {
        let has = |features| self.features.contains(features);
        let tables = if has(Features::CLWB | Features::CLFLUSHOPT | Features::CLZERO) {
            &CLWB_CLZERO
        } else if has(Features::CLWB | Features::CLFLUSHOPT) {
            &CLWB
        } else if has(Features::CLFLUSHOPT | Features::CLZERO) {
            &CLFLUSHOPT_CLZERO
        } else if has(Features::CLFLUSHOPT) {
            &CLFLUSHOPT
        } else if has(Features::CLFLUSH) {
            &CLFLUSH
        } else {
            return Err(Error::Unsupported {
                granularity: Granularity::CacheLine,
                missing: "the CPU has neither CLFLUSHOPT nor CLFLUSH (CLWB alone counts for nothing)",
            });
        };
        Table::with_line(tables, self.line)
    }

    /// The table for byte granularity whose copies are tuned for it.
    #[must_use]
    pub fn byte_table(self) -> &'static Table {
        if self.features.contains(Features::CLZERO) {
            &BYTE_CLZERO
        } else {
            &BYTE
        }
    }
}

/// The table for the CPU that this runs on.
///
/// # Errors
/// As for [`Cpu::table`]; without the feature `detect`, always [`Error::Unsupported`].
pub fn detect() -> Result<&'static Table, Error> {
    #[cfg(feature = "detect")]
    return Cpu::detect().table();
    #[cfg(not(feature = "detect"))]
    Err(Error::Unsupported {
        granularity: Granularity::CacheLine,
        missing: "the crate was built without its feature `detect`: select the table of an arch::Cpu",
    })
}

pub(crate) fn detect_byte() -> &'static Table {
    #[cfg(feature = "detect")]
    return Cpu::detect().byte_table();
    #[cfg(not(feature = "detect"))]
    &BYTE
}
