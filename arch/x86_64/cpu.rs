//! What a CPU reports, and which table it gets.
//!
//! SDM Volume 2 and APM Volume 3, "CPUID".

use bitflags::bitflags;
use raw_cpuid::{CpuId, CpuIdReader, CpuIdReaderNative};

use super::{CLFLUSH, CLFLUSHOPT, CLWB, CLWB_CLZERO, CLWB_MOVDIR64B};
use crate::{Error, Granularity, Table};

bitflags! {
    /// The write-back instructions that a CPU has, and those that copy or zero a whole line.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its instructions.
    pub features: Features,
    /// Bytes that `clflush` and its kin cover: CPUID leaf 1, EBX bits 15 to 8, times 8.
    pub line: usize,
}

impl Cpu {
    /// Reads CPUID of the CPU that this runs on.
    #[must_use]
    pub fn detect() -> Self {
        Self::from_cpuid(CpuIdReaderNative)
    }

    /// Reads CPUID by a function of leaf and subleaf, which may stand in for another CPU.
    pub fn from_cpuid(reader: impl CpuIdReader) -> Self {
        let cpuid = CpuId::with_cpuid_reader(reader.clone());
        let basic = cpuid.get_feature_info();
        let extended = cpuid.get_extended_feature_info();
        let mut features = Features::empty();
        features.set(
            Features::CLFLUSH,
            basic.as_ref().is_some_and(|f| f.has_clflush()),
        );
        features.set(
            Features::CLFLUSHOPT,
            extended.as_ref().is_some_and(|f| f.has_clflushopt()),
        );
        features.set(
            Features::CLWB,
            extended.as_ref().is_some_and(|f| f.has_clwb()),
        );
        // raw-cpuid has no accessor for it.
        features.set(
            Features::MOVDIR64B,
            extended.is_some() && reader.cpuid2(7, 0).ecx & 1 << 28 != 0,
        );
        let capacities = cpuid.get_processor_capacity_feature_info();
        features.set(
            Features::CLZERO,
            capacities.is_some_and(|f| f.has_cl_zero()),
        );
        let eighths = basic.map_or(0, |f| f.cflush_cache_line_size());
        Self {
            features,
            line: usize::from(eighths) * 8,
        }
    }

    /// The table of its best instruction: `clwb` keeps the line cached, `clflushopt` runs in
    /// parallel, `clflush` does neither.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with no such instruction, [`Error::LineSize`] with lines that no
    /// table has.
    pub fn table(self) -> Result<&'static Table, Error> {
        let tables = if self.features.contains(Features::CLWB) {
            // Intel has the one, AMD the other.
            if self.features.contains(Features::MOVDIR64B) {
                &CLWB_MOVDIR64B
            } else if self.features.contains(Features::CLZERO) {
                &CLWB_CLZERO
            } else {
                &CLWB
            }
        } else if self.features.contains(Features::CLFLUSHOPT) {
            &CLFLUSHOPT
        } else if self.features.contains(Features::CLFLUSH) {
            &CLFLUSH
        } else {
            return Err(Error::Unsupported {
                granularity: Granularity::CacheLine,
                missing: "CPUID reports none of CLWB, CLFLUSHOPT and CLFLUSH",
            });
        };
        Table::with_line(tables, self.line)
    }
}

/// The table for the CPU that this runs on.
///
/// # Errors
/// As for [`Cpu::table`].
pub fn detect() -> Result<&'static Table, Error> {
    Cpu::detect().table()
}
