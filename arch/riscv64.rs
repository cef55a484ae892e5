//! RISC-V (RV64): `cbo.clean` and `cbo.flush` of Zicbom; drain by `fence iorw, iorw`.
//!
//! RISC-V Instruction Set Manual, Volume I, "Zicbom, Zicbop, Zicboz" (cache-management operations):
//! a store and a later cache-block operation of the same hart on the same block are ordered; the
//! operation is ordered with what follows by a FENCE whose predecessor set has both W and O, as
//! memory and as device output. The successor set is everything, since what acknowledges durability
//! may be a device write.
//!
//! The manual knows no point of persistence: the operation reaches the point where all agents see
//! the same bytes. Who selects one of these tables vouches that memory at that point is in the
//! persistence domain, that the block size is the platform's (device tree `riscv,cbom-block-size`,
//! ACPI RHCT), and that menvcfg.CBCFE (in user mode senvcfg.CBCFE too) is set. `cbo.inval` discards
//! data and is not here.

#[path = "riscv64/copies.rs"]
mod copies;
#[path = "riscv64/stores.rs"]
mod stores;
#[path = "riscv64/zicboz.rs"]
mod zicboz;

pub use self::{
    copies::{ByteCopies, LineCopies, PlainCopies, ZicbozCopies},
    stores::Sd,
    zicboz::CboZero,
};
pub(crate) use super::unaligned::{load_block, load_word};
pub(crate) use stores::{aligned_block, aligned_word};

use core::arch::asm;

use bitflags::bitflags;

use crate::{Error, Granularity, Instruction, Lines, Table};

/// `cbo.clean`: writes the block back and may keep it in the cache.
#[derive(Clone, Copy, Debug)]
pub struct CboClean;

/// `cbo.flush`: writes the block back and drops it from the cache.
#[derive(Clone, Copy, Debug)]
pub struct CboFlush;

// SAFETY: "cbo.clean" writes the block back, ordered after the hart's own stores to it; the fence
// orders all later accesses after it. Neither block is `nomem`.
unsafe impl Instruction for CboClean {
    const NAME: &'static str = "zicbom";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches that the block is mapped and that the hart has Zicbom, enabled
        // at this privilege level.
        unsafe {
            asm!(
                ".option push",
                ".option arch, +zicbom",
                "cbo.clean ({})",
                ".option pop",
                in(reg) line,
                options(nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    fn drain() {
        store_fence();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's; Zicbom has both.
        unsafe { CboFlush::write_back(line) }
    }
}

// SAFETY: "cbo.flush" does what cbo.clean does, and then invalidates the block.
unsafe impl Instruction for CboFlush {
    const NAME: &'static str = "zicbom-flush";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: as for `cbo.clean`.
        unsafe {
            asm!(
                ".option push",
                ".option arch, +zicbom",
                "cbo.flush ({})",
                ".option pop",
                in(reg) line,
                options(nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    fn drain() {
        store_fence();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// Whether stores of any alignment are allowed and fast: not on every CPU, nor in every kernel.
pub(crate) const UNALIGNED_STORES: bool = false;

/// No hint is known by which a line that is about to be stored to comes sooner.
#[inline(always)]
pub(crate) fn prepare(_line: *mut u8) {}

/// Orders all earlier accesses of this hart, to memory and devices, before all later ones.
#[inline(always)]
pub fn store_fence() {
    // SAFETY: a fence touches no memory.
    unsafe { asm!("fence iorw, iorw", options(nostack, preserves_flags)) }
}

/// Tables for `cbo.clean`, blocks of 16 to 256 bytes.
pub static ZICBOM: [Table; 5] = Table::of_sizes::<CboClean>();
/// Tables for `cbo.clean`, zeroing by `cbo.zero` ([`CboZero`]) in blocks of the same size.
pub static ZICBOM_ZICBOZ: [Table; 5] = [
    Table::of::<Lines<CboClean, 16, ZicbozCopies<16>>>(),
    Table::of::<Lines<CboClean, 32, ZicbozCopies<32>>>(),
    Table::of::<Lines<CboClean, 64, ZicbozCopies<64>>>(),
    Table::of::<Lines<CboClean, 128, ZicbozCopies<128>>>(),
    Table::of::<Lines<CboClean, 256, ZicbozCopies<256>>>(),
];
/// Tables for `cbo.flush`, blocks of 16 to 256 bytes, for a platform that wants its lines dropped.
pub static ZICBOM_FLUSH: [Table; 5] = Table::of_sizes::<CboFlush>();

bitflags! {
    /// The cache-block instructions that a hart has.
    ///
    /// ```
    /// use kpmem::arch::{Cpu, Features};
    ///
    /// let cpu = Cpu { features: Features::ZICBOM, line: 64 };
    /// assert_eq!(cpu.table()?.name(), "zicbom");
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Features: u32 {
        /// Zicbom: `cbo.clean`, `cbo.flush`.
        const ZICBOM = 1 << 0;
        /// Zicboz: `cbo.zero`, enabled, in blocks of the same size as those of Zicbom. [`CboZero`]
        /// says what else to know of it.
        const ZICBOZ = 1 << 1;
    }
}

/// What the platform says of its harts: there is no instruction that asks.
///
/// ```
/// use kpmem::arch::{Cpu, Features};
///
/// // Two kinds of hart in one machine, as the device tree says.
/// let hart = Cpu { features: Features::ZICBOM, line: 64 };
/// let other = Cpu { features: Features::ZICBOM | Features::ZICBOZ, line: 128 };
/// let table = hart.common(other).table()?;
/// assert_eq!((table.name(), table.line()), ("zicbom", 64));
/// // SAFETY: the harts have Zicbom, enabled; what they write back is in the persistence domain.
/// unsafe { kpmem::select(table)? };
/// # Ok::<(), kpmem::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its cache-block instructions.
    pub features: Features,
    /// Bytes of a cache block: device tree `riscv,cbom-block-size`, or ACPI RHCT.
    pub line: usize,
}

impl Cpu {
    /// What two kinds of CPU in one machine have in common: the instructions that both have, and
    /// the smaller line, which no flush of either skips. Fold it over all CPUs.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self {
            features: self.features & other.features,
            line: self.line.min(other.line),
        }
    }

    /// The table of `cbo.clean`. Never one of [`ZICBOM_ZICBOZ`], which zero by an instruction that
    /// promises nothing of words: [`CboZero`] says who may choose them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] without Zicbom, [`Error::LineSize`] with blocks that no table has.
    pub fn table(self) -> Result<&'static Table, Error> {
        if !self.features.contains(Features::ZICBOM) {
            return Err(Error::Unsupported {
                granularity: Granularity::CacheLine,
                missing: "the hart has no Zicbom (cbo.clean)",
            });
        }
        Table::with_line(&ZICBOM, self.line)
    }
}

/// No table: RISC-V cannot be asked. Describe the hart with [`Cpu`] and give its table to
/// [`select`](crate::select).
///
/// # Errors
/// Always [`Error::Unsupported`].
pub fn detect() -> Result<&'static Table, Error> {
    Err(Error::Unsupported {
        granularity: Granularity::CacheLine,
        missing: "RISC-V reports no Zicbom and no block size by itself: select the table of the device tree's arch::Cpu",
    })
}

/// The table for byte granularity: one for all CPUs of this instruction set.
pub(crate) fn detect_byte() -> &'static Table {
    &crate::BYTE
}
