//! x86-64: `clwb`, `clflushopt`, `clflush`; drain by `sfence` or `mfence`.
//!
//! Intel 64 and IA-32 Architectures Software Developer's Manual (SDM), Volume 2, "CLWB", "CLFLUSHOPT", "CLFLUSH", "SFENCE", "MFENCE", "CPUID";
//! AMD64 Architecture Programmer's Manual (APM), Volume 3, the same entries.
//!
//! `clwb` and `clflushopt` are ordered after older stores to the same line, and otherwise only by fences: `sfence` completes them. `clflush`
//! is ordered with writes by Intel, but by AMD's manual only `mfence` is sure to order it, so `mfence` drains it on both.

use core::arch::asm;

use bitflags::bitflags;
use raw_cpuid::{CpuId, CpuIdReader};

use crate::{Error, Granularity, Instruction, Lines, Table};

/// `clwb`: writes the line back and may keep it in the cache.
#[derive(Clone, Copy, Debug)]
pub struct Clwb;

/// `clflushopt`: writes the line back and drops it from the cache.
#[derive(Clone, Copy, Debug)]
pub struct Clflushopt;

/// `clflush`: writes the line back, drops it, and is ordered with other `clflush`.
#[derive(Clone, Copy, Debug)]
pub struct Clflush;

// SAFETY: SDM Volume 2, "CLWB": ordered after older stores to the line; "SFENCE" orders it before what follows, and on a
// platform with ADR a line that reached the memory controller is durable. Neither block is `nomem`.
unsafe impl Instruction for Clwb {
    const NAME: &'static str = "clwb";

    #[inline(always)]
    unsafe fn write_back(line: usize) {
        // SAFETY: the caller vouches that the line is mapped and the CPU has the instruction.
        unsafe { asm!("clwb [{}]", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        store_fence();
    }
}

// SAFETY: SDM Volume 2, "CLFLUSHOPT": ordered after older stores to the line, and by SFENCE.
unsafe impl Instruction for Clflushopt {
    const NAME: &'static str = "clflushopt";

    #[inline(always)]
    unsafe fn write_back(line: usize) {
        // SAFETY: as for `clwb`.
        unsafe { asm!("clflushopt [{}]", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        store_fence();
    }
}

// SAFETY: APM Volume 3, "CLFLUSH": MFENCE is the fence that orders it; SDM Volume 2, "CLFLUSH", orders it with writes, and MFENCE too.
unsafe impl Instruction for Clflush {
    const NAME: &'static str = "clflush";

    #[inline(always)]
    unsafe fn write_back(line: usize) {
        // SAFETY: as for `clwb`.
        unsafe { asm!("clflush [{}]", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        // SAFETY: a fence touches no memory; every x86-64 CPU has it.
        unsafe { asm!("mfence", options(nostack, preserves_flags)) }
    }
}

/// Waits until this CPU's stores, also non-temporal ones, are globally visible.
#[inline(always)]
pub fn store_fence() {
    // SAFETY: a fence touches no memory; every x86-64 CPU has it.
    unsafe { asm!("sfence", options(nostack, preserves_flags)) }
}

/// Tables for `clwb`. Every x86-64 CPU so far has 64-byte lines; for others, make a `static` of `Table::of::<Lines<Clwb, 128>>()`.
pub static CLWB: [Table; 1] = [Table::of::<Lines<Clwb, 64>>()];
/// Tables for `clflushopt`.
pub static CLFLUSHOPT: [Table; 1] = [Table::of::<Lines<Clflushopt, 64>>()];
/// Tables for `clflush`.
pub static CLFLUSH: [Table; 1] = [Table::of::<Lines<Clflush, 64>>()];

bitflags! {
    /// The write-back instructions that a CPU has.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Features: u32 {
        /// CPUID leaf 1, EDX bit 19.
        const CLFLUSH = 1 << 0;
        /// CPUID leaf 7.0, EBX bit 23.
        const CLFLUSHOPT = 1 << 1;
        /// CPUID leaf 7.0, EBX bit 24.
        const CLWB = 1 << 2;
    }
}

/// What a CPU reports of its cache lines. A hypervisor that hides instructions makes its own, and gives its table to [`select`](crate::select).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its write-back instructions.
    pub features: Features,
    /// Bytes that `clflush` and its kin cover: CPUID leaf 1, EBX bits 15 to 8, times 8.
    pub line: usize,
}

impl Cpu {
    /// Reads CPUID of the CPU that this runs on.
    #[must_use]
    pub fn detect() -> Self {
        Self::from_cpuid(&CpuId::new())
    }

    /// Reads CPUID; `CpuId::with_cpuid_reader` stands in for another CPU.
    pub fn from_cpuid<R: CpuIdReader>(cpuid: &CpuId<R>) -> Self {
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
        let eighths = basic.map_or(0, |f| f.cflush_cache_line_size());
        Self {
            features,
            line: usize::from(eighths) * 8,
        }
    }

    /// The table of its best instruction: `clwb` keeps the line cached, `clflushopt` runs in parallel, `clflush` does neither.
    ///
    /// # Errors
    /// [`Error::Unsupported`] with no such instruction, [`Error::LineSize`] with lines that no table has.
    pub fn table(self) -> Result<&'static Table, Error> {
        let tables = if self.features.contains(Features::CLWB) {
            &CLWB
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
