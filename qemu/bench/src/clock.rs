//! How a call is timed, and what CPU it runs on.

use std::{hint::black_box, sync::LazyLock, time::Instant};

use kpmem::arch::{Cpu, Features, vector::Width};

use crate::{cases::Case, memory::Memory};

/// Whether this CPU can zero a line. Asked once: CPUID takes long in a virtual machine.
pub static CLZERO: LazyLock<bool> =
    LazyLock::new(|| Cpu::detect().features.contains(Features::CLZERO));
/// Its widest vectors.
pub static WIDTH: LazyLock<Width> = LazyLock::new(Width::detect);

/// How many are in a row.
const ROW: usize = 8;

/// Nanoseconds for one of `count` calls of `op` with the destination, as a case places it.
#[inline(always)]
pub fn clock(
    case: &Case,
    memory: &mut Memory,
    count: usize,
    op: impl Fn(*mut u8, *const u8, usize),
) -> f64 {
    let (source, size) = (memory.source(), black_box(case.size));
    let begin = Instant::now();
    memory.each(
        case.placement,
        case.align,
        case.size.max(8),
        count,
        |dest| op(dest, source, size),
    );
    begin.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// The same for what takes no longer than the loop around it: many in a row, so that the loop is
/// not what is measured.
#[inline(always)]
pub fn clock_row(
    case: &Case,
    memory: &mut Memory,
    count: usize,
    op: impl Fn(*mut u8, *const u8, usize),
) -> f64 {
    let row = |dest, src, size| {
        for _ in 0..ROW {
            op(dest, src, size);
        }
    };
    clock(case, memory, count, row) / ROW as f64
}

/// A store for the flush to write back.
///
/// # Safety
/// The byte must be writable.
#[inline(always)]
pub unsafe fn dirty(dest: *mut u8) {
    // SAFETY: the caller's.
    unsafe { dest.write_volatile(1) }
}
