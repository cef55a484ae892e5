//! x86-64: `clwb`, `clflushopt`, `clflush`; drain by `sfence` or `mfence`.
//!
//! Intel 64 and IA-32 Architectures Software Developer's Manual (SDM), Volume 2, "CLWB",
//! "CLFLUSHOPT", "CLFLUSH", "SFENCE", "MFENCE", "CPUID"; AMD64 Architecture Programmer's Manual
//! (APM), Volume 3, the same entries.
//!
//! `clwb` and `clflushopt` are ordered after older stores to the same line, and otherwise only by
//! fences: `sfence` completes them. `clflush` is ordered with writes by Intel, but by AMD's manual
//! only `mfence` is sure to order it, so `mfence` drains it on both.

#[path = "x86_64/ahead.rs"]
mod ahead;
#[path = "x86_64/clzero.rs"]
mod clzero;
#[path = "x86_64/copies.rs"]
mod copies;
#[path = "x86_64/cpu.rs"]
mod cpu;
#[path = "x86_64/movdir64b.rs"]
mod movdir64b;
#[path = "x86_64/stores.rs"]
mod stores;
#[path = "x86_64/string.rs"]
mod string;
#[cfg(feature = "vector")]
#[path = "x86_64/vector.rs"]
pub mod vector;

pub use self::{
    ahead::Ahead,
    clzero::Clzero,
    copies::{
        ByteCopies, ClzeroByteCopies, ClzeroCopies, DurableCache, LineCopies, Movdir64bCopies,
        PastCache, PlainCopies, SmallCached,
    },
    cpu::{Cpu, Features, detect},
    movdir64b::Movdir64b,
    stores::{Mov, Movnti},
    string::RepMovsq,
};
use string::{rep_movsq, rep_stosq};

pub(crate) use cpu::detect_byte;
pub(crate) use stores::{load_block, load_word, prepare};

use core::arch::asm;

use crate::{Byte, Instruction, Lines, Table};

/// `clwb`: writes the line back and may keep it in the cache.
#[derive(Clone, Copy, Debug)]
pub struct Clwb;

/// `clflushopt`: writes the line back and drops it from the cache.
#[derive(Clone, Copy, Debug)]
pub struct Clflushopt;

/// `clflush`: writes the line back, drops it, and is ordered with other `clflush`.
#[derive(Clone, Copy, Debug)]
pub struct Clflush;

// SAFETY: SDM Volume 2, "CLWB": ordered after older stores to the line; "SFENCE" orders it before
// what follows, and on a platform with ADR a line that reached the memory controller is durable.
// Neither block is `nomem`.
unsafe impl Instruction for Clwb {
    const NAME: &'static str = "clwb";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches that the line is mapped and the CPU has the instruction.
        unsafe { asm!("clwb [{}]", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        store_fence();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's; a CPU gets this table only if it has `clflushopt` too.
        unsafe { Clflushopt::write_back(line) }
    }

    #[inline(always)]
    fn drain_invalidate() {
        memory_fence();
    }
}

// SAFETY: SDM Volume 2, "CLFLUSHOPT": ordered after older stores to the line, and by SFENCE.
unsafe impl Instruction for Clflushopt {
    const NAME: &'static str = "clflushopt";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: as for `clwb`.
        unsafe { asm!("clflushopt [{}]", in(reg) line, options(nostack, preserves_flags)) }
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

    #[inline(always)]
    fn drain_invalidate() {
        memory_fence();
    }
}

// SAFETY: APM Volume 3, "CLFLUSH": MFENCE is the fence that orders it; SDM Volume 2, "CLFLUSH",
// orders it with writes, and MFENCE too.
unsafe impl Instruction for Clflush {
    const NAME: &'static str = "clflush";

    #[inline(always)]
    unsafe fn write_back(line: *const u8) {
        // SAFETY: as for `clwb`.
        unsafe { asm!("clflush [{}]", in(reg) line, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn drain() {
        memory_fence();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// Whether stores of any alignment are allowed and fast.
pub(crate) const UNALIGNED_STORES: bool = true;

/// Waits until this CPU's stores, also non-temporal ones, are globally visible.
#[inline(always)]
pub fn store_fence() {
    // SAFETY: a fence touches no memory; every x86-64 CPU has it.
    unsafe { asm!("sfence", options(nostack, preserves_flags)) }
}

/// `mfence`: as [`store_fence`], and no later load begins before.
#[inline(always)]
fn memory_fence() {
    // SAFETY: as above.
    unsafe { asm!("mfence", options(nostack, preserves_flags)) }
}

/// Tables for `clwb`. Every x86-64 CPU so far has 64-byte lines; for others, make a `static` of
/// `Table::of::<Lines<Clwb, 128>>()`.
pub static CLWB: [Table; 1] = [Table::of::<Lines<Clwb, 64>>()];
/// Tables for `clwb`, on a CPU of AMD's: zeroing by `clzero`.
pub static CLWB_CLZERO: [Table; 1] = [Table::of::<Lines<Clwb, 64, ClzeroCopies>>()];
/// Tables for `clwb`, copying by `movdir64b`: for who has measured that it is faster.
pub static CLWB_MOVDIR64B: [Table; 1] = [Table::of::<Lines<Clwb, 64, Movdir64bCopies>>()];
/// The table for byte granularity on a CPU of AMD's.
pub static BYTE_CLZERO: Table = Table::of::<Byte<ClzeroByteCopies>>();
/// Tables for `clflushopt`.
pub static CLFLUSHOPT: [Table; 1] = [Table::of::<Lines<Clflushopt, 64>>()];
/// Tables for `clflushopt`, on a CPU of AMD's: zeroing by `clzero`.
pub static CLFLUSHOPT_CLZERO: [Table; 1] = [Table::of::<Lines<Clflushopt, 64, ClzeroCopies>>()];
/// Tables for `clflush`.
pub static CLFLUSH: [Table; 1] = [Table::of::<Lines<Clflush, 64>>()];
