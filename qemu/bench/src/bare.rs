//! The bare instructions as a contender: what kpmem's time can be compared with, and the least that
//! it can be.

use std::hint::black_box;

use kpmem::{Flags, Granularity, Instruction, arch::vector::Width};

use crate::{
    cases::{Case, Op},
    clock::{CLZERO, WIDTH, clock, clock_row, dirty},
    memory::Memory,
    raw::{self, Avx, Avx512, Avx512Nt, AvxNt, Clzero, Mov, Movnti, Rep, Stores},
};

/// From this size on, `rep movsq` is what one would write.
const REP: usize = 512;

/// Which of the instructions: the plain ones for the case; of the goals, "raw".
pub const PLAIN: u8 = 0;
/// The others that may be faster; of a fence, one behind a pointer.
pub const OTHER: u8 = 1;
/// The widest vectors.
pub const VECTOR: u8 = 2;

/// Nanoseconds for one call, of `count` calls, with lines flushed by `I`. None where there are
/// no such instructions, or where they take more than a loop.
pub fn time<I: Instruction, const WHICH: u8>(
    case: &Case,
    memory: &mut Memory,
    count: usize,
) -> Option<f64> {
    let byte = case.granularity == Granularity::Byte;
    if !case.op.copies() {
        return match WHICH {
            PLAIN => Some(persist::<I>(case, memory, count)),
            OTHER if byte || case.op == Op::Drain => Some(called(case, memory, count)),
            _ => None,
        };
    }
    let cached =
        case.flags.intersects(Flags::TEMPORAL | Flags::WB) || (byte && case.flags.is_empty());
    let small = case.size < REP;
    let lines = case.align == 0 && case.size.is_multiple_of(64);
    let zeroes = case.op == Op::MemsetZero;
    let time: fn(&Case, &mut Memory, usize) -> f64 = match WHICH {
        _ if !case.align.is_multiple_of(8) => return None,
        PLAIN if !cached => copy::<I, Movnti>,
        PLAIN if small => copy::<I, Mov>,
        PLAIN => copy::<I, Rep>,
        OTHER if cached && small => copy::<I, Rep>,
        OTHER if cached => copy::<I, Mov>,
        OTHER if zeroes && lines && *CLZERO => copy::<I, Clzero>,
        VECTOR if lines => match (*WIDTH, cached) {
            (Width::Avx512, true) => copy::<I, Avx512>,
            (Width::Avx512, false) => copy::<I, Avx512Nt>,
            (Width::Avx, true) => copy::<I, Avx>,
            (Width::Avx, false) => copy::<I, AvxNt>,
            _ => return None,
        },
        _ => return None,
    };
    Some(time(case, memory, count))
}

/// Flushes, where there is anything to flush.
///
/// # Safety
/// The range must be mapped, and the CPU must have the instruction.
#[inline(always)]
unsafe fn flush<I: Instruction>(dest: *mut u8, size: usize, byte: bool) {
    if !byte {
        // SAFETY: the caller's.
        unsafe { raw::flush::<I>(dest, size) }
    }
}

fn persist<I: Instruction>(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    let byte = case.granularity == Granularity::Byte;
    // SAFETY: destinations are inside the memory.
    unsafe {
        match case.op {
            Op::Drain => clock_row(case, memory, count, |_, _, _| raw::fence()),
            Op::Persist => clock_row(case, memory, count, |dest, _, size| {
                dirty(dest);
                flush::<I>(dest, size, byte);
                raw::fence();
            }),
            Op::EightFlushesDrain => clock(case, memory, count, |dest, _, size| {
                for i in 0..8 {
                    dirty(dest.add(i * 256));
                    flush::<I>(dest.add(i * 256), size, byte);
                }
                raw::fence();
            }),
            _ => clock(case, memory, count, |dest, _, size| {
                dirty(dest);
                flush::<I>(dest, size, byte);
                raw::fence();
            }),
        }
    }
}

/// A fence behind a pointer: the least that a dispatched drain can take.
fn called(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    extern "C" fn fence(_: *const u8, _: usize) {
        raw::fence();
    }
    let fence: extern "C" fn(*const u8, usize) = black_box(fence);
    clock_row(case, memory, count, |dest, _, size| {
        if case.op != Op::Drain {
            // SAFETY: destinations are inside the memory.
            unsafe { dirty(dest) }
        }
        fence(dest, size);
    })
}

fn copy<I: Instruction, S: Stores>(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    let durable = !S::CACHED || case.granularity == Granularity::Byte;
    let finish = |dest: *mut u8, size| {
        // SAFETY: destination and size are inside the memory.
        unsafe { flush::<I>(dest, size, durable) }
        raw::fence();
    };
    // SAFETY: destination and source are inside their memory.
    unsafe {
        match case.op {
            Op::MemsetZero => clock(case, memory, count, |dest, _, size| {
                S::zero(dest, size);
                finish(dest, size);
            }),
            Op::ReadBack => clock(case, memory, count, |dest, src, size| {
                S::copy(dest, src, size);
                finish(dest, size);
                raw::read(dest, size);
            }),
            _ => clock(case, memory, count, |dest, src, size| {
                S::copy(dest, src, size);
                finish(dest, size);
            }),
        }
    }
}
