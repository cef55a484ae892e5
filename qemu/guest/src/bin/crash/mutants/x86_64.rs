//! x86-64's own bugs.

use core::arch::{asm, x86_64::__cpuid_count};

use kpmem::{
    Instruction, Table,
    arch::{self, Cpu, Features},
    tuning::{Stores, Word},
};

use super::{BySize, Misdetect};

pub type Correct = arch::Clwb;

pub static MUTANTS: &[(&str, BySize)] = &[
    ("lfence-for-sfence", Table::of_sizes::<Lfence>()),
    ("clflush-with-sfence", Table::of_sizes::<ClflushSfence>()),
    ("clflush-for-invalidate", Table::of_sizes::<UnorderedDrop>()),
];

pub static MISDETECTED: &[(&str, Misdetect)] = &[("cpuid-bit-wrong", wrong_clwb_bit)];

/// CPUID leaf 7.0, EBX bit 23, which is CLFLUSHOPT's, taken for CLWB's, bit 24.
///
/// No claim shows it. On a CPU that has `clflushopt` but no `clwb` (QEMU: `-cpu max,-clwb`) the
/// first flush is an invalid opcode: the runtime's trap, exit code 3, is how it is caught. With
/// both it goes unseen.
fn wrong_clwb_bit(cpu: Cpu) -> Cpu {
    let leaf = __cpuid_count(7, 0);
    let mut features = cpu.features;
    features.set(Features::CLWB, leaf.ebx >> 23 & 1 == 1);
    Cpu { features, ..cpu }
}

/// `lfence` waits for loads.
struct Lfence;

// SAFETY: none: this is the bug.
unsafe impl Instruction for Lfence {
    const NAME: &'static str = "clwb";

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { arch::Clwb::write_back(line) }
    }

    fn drain() {
        // SAFETY: a fence touches no memory.
        unsafe { asm!("lfence", options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// Enough on Intel; by AMD's manual only `mfence` orders `clflush`.
struct ClflushSfence;

// SAFETY: none: this is the bug.
unsafe impl Instruction for ClflushSfence {
    const NAME: &'static str = "clflush";

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { arch::Clflush::write_back(line) }
    }

    fn drain() {
        arch::store_fence();
    }

    #[inline(always)]
    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's.
        unsafe { Self::write_back(line) }
    }
}

/// Drops lines by `clflush` and waits as for `clwb`: by AMD's manual, `sfence` does not order it.
struct UnorderedDrop;

// SAFETY: none: this is the bug.
unsafe impl Instruction for UnorderedDrop {
    const NAME: &'static str = "clwb";

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller vouches for the line.
        unsafe { arch::Clwb::write_back(line) }
    }

    fn drain() {
        arch::store_fence();
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: as above.
        unsafe { arch::Clflush::write_back(line) }
    }
}

/// Nothing: no instruction drops one line unwritten.
///
/// # Safety
/// None.
pub unsafe fn discard(_line: *const u8) {}

/// A non-temporal store, which needs no flush, but a fence.
///
/// # Safety
/// `to` must be valid for writes and aligned.
pub unsafe fn store_past_the_cache(to: *mut u64, word: u64) {
    // SAFETY: the caller's.
    unsafe { <arch::Movnti as Stores>::word(to, Word::new(word)) }
}

/// Zeroes 64 bytes; QEMU has no instruction for it.
///
/// # Safety
/// `to` must be valid for writes of 64 bytes, and aligned to them.
pub unsafe fn zero(to: *mut u8) {
    // SAFETY: the caller's.
    unsafe { to.cast::<[u64; 8]>().write_volatile([0; 8]) }
}
