//! x86-64's own bugs.

use core::arch::asm;

use kpmem::{Instruction, Table, arch};

use super::BySize;

pub type Correct = arch::Clwb;

pub static MUTANTS: &[(&str, BySize)] = &[
    ("lfence-for-sfence", Table::of_sizes::<Lfence>()),
    ("clflush-with-sfence", Table::of_sizes::<ClflushSfence>()),
];

/// `lfence` waits for loads.
struct Lfence;

// SAFETY: none: this is the bug.
unsafe impl Instruction for Lfence {
    const NAME: &'static str = "clwb";

    unsafe fn write_back(line: usize) {
        // SAFETY: the caller vouches for the line.
        unsafe { arch::Clwb::write_back(line) }
    }

    fn drain() {
        // SAFETY: a fence touches no memory.
        unsafe { asm!("lfence", options(nostack, preserves_flags)) }
    }
}

/// Enough on Intel; by AMD's manual only `mfence` orders `clflush`.
struct ClflushSfence;

// SAFETY: none: this is the bug.
unsafe impl Instruction for ClflushSfence {
    const NAME: &'static str = "clflush";

    unsafe fn write_back(line: usize) {
        // SAFETY: the caller vouches for the line.
        unsafe { arch::Clflush::write_back(line) }
    }

    fn drain() {
        arch::store_fence();
    }
}
