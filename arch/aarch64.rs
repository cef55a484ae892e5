//! AArch64: `dc cvap`, `dc cvadp`, `dc cvac`; drain by `dsb sy`.
//!
//! Arm Architecture Reference Manual for A-profile architecture (DDI 0487), "DC CVAP", "DC CVADP",
//! "DC CVAC", "CTR_EL0", "ID_AA64ISAR1_EL1", and section "Ordering and completion of data and
//! instruction cache instructions": a data cache instruction by address is ordered after
//! the CPU's own stores to that line, and complete only after a DSB whose access types are both
//! loads and stores. DMB and `dsb ishst`/`ishld` do not complete it.
//!
//! `dsb sy` reaches the full system. A platform whose persistent memory is inside the inner
//! shareable domain may choose `dsb ish` with an [`Instruction`] of its own.

#[path = "aarch64/copies.rs"]
mod copies;
#[path = "aarch64/stores.rs"]
mod stores;
#[path = "aarch64/zva.rs"]
mod zva;

pub use self::{
    copies::{ByteCopies, LineCopies, PlainCopies},
    stores::{Stnp, Stp},
    zva::Zva,
};
pub(crate) use super::unaligned::{load_block, load_word};
pub(crate) use stores::{aligned_block, aligned_word};

use core::arch::asm;

use bitflags::bitflags;

use crate::{Error, Granularity, Instruction, Table};

/// `dc cvap`: cleans the line to the point of persistence (FEAT_DPB).
#[derive(Clone, Copy, Debug)]
pub struct Cvap;

/// `dc cvadp`: cleans the line to the point of deep persistence (FEAT_DPB2).
#[derive(Clone, Copy, Debug)]
pub struct Cvadp;

/// `dc cvac`: cleans the line to the point of coherency, wherever the platform has it.
#[derive(Clone, Copy, Debug)]
pub struct Cvac;

// SAFETY: "DC CVAP" cleans to the point of persistence; `dsb sy` completes it. Neither block is
// `nomem`.
unsafe impl Instruction for Cvap {
    const NAME: &'static str = "cvap";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // The `sys` form is DC CVAP's own encoding, and assembles whatever extensions the target
        // names. SAFETY: the caller vouches that the line is mapped and the CPU has the
        // instruction.
        unsafe { asm!("sys #3, c7, c12, #1, {}", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        dsb();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // `dc civac` cleans to the point of coherency only, so the line is cleaned first.
        // SAFETY: the caller's.
        unsafe {
            Self::write_back(line);
            civac(line);
        }
    }
}

// SAFETY: "DC CVADP" cleans to the point of deep persistence; `dsb sy` completes it.
unsafe impl Instruction for Cvadp {
    const NAME: &'static str = "cvadp";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: as for `dc cvap`, of which this is the deep form.
        unsafe { asm!("sys #3, c7, c13, #1, {}", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        dsb();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // `dc civac` cleans to the point of coherency only, so the line is cleaned first.
        // SAFETY: the caller's.
        unsafe {
            Self::write_back(line);
            civac(line);
        }
    }
}

// SAFETY: "DC CVAC" cleans to the point of coherency, and who chooses its table vouches that the
// persistence domain starts there; `dsb sy` completes it.
unsafe impl Instruction for Cvac {
    const NAME: &'static str = "cvac";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches that the line is mapped; every AArch64 CPU has the
        // instruction.
        unsafe { asm!("dc cvac, {}", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        dsb();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { civac(line) }
    }
}

/// `dc civac`: cleans the line to the point of coherency, and drops it.
///
/// # Safety
/// The line must be mapped.
#[inline(always)]
unsafe fn civac(line: *const u8) {
    // SAFETY: the caller's; every AArch64 CPU has the instruction.
    unsafe { asm!("dc civac, {}", in(reg) line, options(nostack, preserves_flags)) }
}

#[inline(always)]
fn dsb() {
    // SAFETY: a barrier touches no memory.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) }
}

/// Whether stores of any alignment are allowed and fast: not on every CPU, nor in every kernel.
pub(crate) const UNALIGNED_STORES: bool = false;

/// No hint is known by which a line that is about to be stored to comes sooner.
#[inline(always)]
pub(crate) fn prepare(_line: *mut u8) {}

/// Waits until this CPU's stores are complete in the whole system.
#[inline(always)]
pub fn store_fence() {
    // SAFETY: a barrier touches no memory.
    unsafe { asm!("dsb st", options(nostack, preserves_flags)) }
}

/// Tables for `dc cvap`, lines of 16 to 256 bytes.
pub static CVAP: [Table; 5] = Table::of_sizes::<Cvap>();
/// Tables for `dc cvadp`, lines of 16 to 256 bytes.
pub static CVADP: [Table; 5] = Table::of_sizes::<Cvadp>();
/// Tables for `dc cvac`, lines of 16 to 256 bytes. Never chosen by [`detect`]: only the platform's
/// author knows whether the point of coherency lies in the persistence domain, and vouches for it
/// with [`select`](crate::select).
pub static CVAC: [Table; 5] = Table::of_sizes::<Cvac>();

bitflags! {
    /// The persistence instructions that a CPU has.
    ///
    /// ```
    /// use kpmem::arch::{Cpu, Features};
    ///
    /// let cpu = Cpu { features: Features::DPB, line: 64 };
    /// assert_eq!(cpu.table()?.name(), "cvap");
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Features: u32 {
        /// ID_AA64ISAR1_EL1.DPB is 1 or more.
        const DPB = 1 << 0;
        /// ID_AA64ISAR1_EL1.DPB is 2 or more.
        const DPB2 = 1 << 1;
    }
}

/// What a CPU reports of its cache lines. Where a system mixes CPUs, take the features that all
/// have and the smallest line.
///
/// ```
/// use kpmem::arch::Cpu;
///
/// // The registers of two kinds of CPU in one machine: ID_AA64ISAR1_EL1, CTR_EL0.
/// let cpu = Cpu::from_registers(2, 0x4_0000).common(Cpu::from_registers(1, 0x5_0000));
/// assert_eq!((cpu.table()?.name(), cpu.line), ("cvap", 64));
/// assert!(cpu.deep_table().is_err()); // one of them has no `dc cvadp`
/// let this = Cpu::detect();
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its persistence instructions.
    pub features: Features,
    /// Bytes of its smallest data cache line.
    pub line: usize,
}

impl Cpu {
    /// Reads the identification registers of the CPU that this runs on.
    #[must_use]
    pub fn detect() -> Self {
        let (isar1, ctr): (u64, u64);
        // SAFETY: both registers can be read at EL1 and above, and have no side effect; systems
        // emulate or allow it at EL0.
        unsafe {
            asm!(
                "mrs {}, ID_AA64ISAR1_EL1",
                "mrs {}, CTR_EL0",
                out(reg) isar1,
                out(reg) ctr,
                options(nomem, nostack, preserves_flags),
            );
        }
        Self::from_registers(isar1, ctr)
    }

    /// Decodes ID_AA64ISAR1_EL1.DPB (bits 3 to 0) and CTR_EL0.DminLine (bits 19 to 16, log2 of
    /// 4-byte words).
    #[must_use]
    pub const fn from_registers(isar1: u64, ctr: u64) -> Self {
        Self {
            features: match isar1 & 0xf {
                0 => Features::empty(),
                1 => Features::DPB,
                _ => Features::DPB.union(Features::DPB2),
            },
            line: 4 << (ctr >> 16 & 0xf),
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

    /// The table of `dc cvap`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] without it, [`Error::LineSize`] with lines that no table has.
    pub fn table(self) -> Result<&'static Table, Error> {
        if !self.features.contains(Features::DPB) {
            return Err(Error::Unsupported {
                granularity: Granularity::CacheLine,
                missing: "the CPU has no FEAT_DPB (dc cvap); where the point of coherency is in the persistence domain, select arch::CVAC",
            });
        }
        Table::with_line(&CVAP, self.line)
    }

    /// The table of `dc cvadp`, for [`deep::ByTable`](crate::deep::ByTable).
    ///
    /// # Errors
    /// [`Error::NoDeepDomain`] without it, [`Error::LineSize`] with lines that no table has.
    pub fn deep_table(self) -> Result<&'static Table, Error> {
        if !self.features.contains(Features::DPB2) {
            return Err(Error::NoDeepDomain {
                missing: "the CPU has no FEAT_DPB2 (dc cvadp)",
            });
        }
        Table::with_line(&CVADP, self.line)
    }
}

/// The table for the CPU that this runs on.
///
/// # Errors
/// As for [`Cpu::table`].
pub fn detect() -> Result<&'static Table, Error> {
    Cpu::detect().table()
}

/// The table for byte granularity: one for all CPUs of this instruction set.
pub(crate) fn detect_byte() -> &'static Table {
    &crate::BYTE
}
