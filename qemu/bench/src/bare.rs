//! The bare instructions as a contender: what kpmem's time can be compared with, and the least that
//! it can be. What the library does behind a pointer (all but `fixed`) is behind one here too.

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
            OTHER if case.op == Op::Drain || byte && case.op == Op::Persist => {
                Some(called(case, memory, count))
            }
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

fn persist<I: Instruction>(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    // SAFETY: destinations are inside the memory.
    unsafe {
        match case.op {
            Op::Drain => clock_row(case, memory, count, |_, _, _| raw::fence()),
            Op::Persist => clock_row(case, memory, count, |dest, _, size| {
                dirty(dest);
                if case.granularity != Granularity::Byte {
                    raw::flush::<I>(dest, size);
                }
                raw::fence();
            }),
            _ => flushes::<I>(case, memory, count),
        }
    }
}

/// One flush or eight by a pointer, then a drain by a pointer.
fn flushes<I: Instruction>(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    unsafe extern "C" fn none(_: *const u8, _: usize) {}
    unsafe extern "C" fn lines<I: Instruction>(ptr: *const u8, len: usize) {
        // SAFETY: the caller's.
        unsafe { raw::flush::<I>(ptr, len) }
    }
    extern "C" fn drain() {
        raw::fence();
    }
    let flush = black_box(match case.granularity {
        Granularity::Byte => none as unsafe extern "C" fn(*const u8, usize),
        _ => lines::<I>,
    });
    let drain = black_box(drain as extern "C" fn());
    let number = if case.op == Op::EightFlushesDrain {
        8
    } else {
        1
    };
    clock(case, memory, count, |dest, _, size| {
        for i in 0..number {
            // SAFETY: destinations are inside the memory.
            unsafe {
                dirty(dest.add(i * 256));
                flush(dest.add(i * 256), size);
            }
        }
        drain();
    })
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

/// The instructions behind a pointer, as the library's are.
fn copy<I: Instruction, S: Stores>(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    let flushed = S::CACHED && case.granularity != Granularity::Byte;
    let stored: Stored = black_box(match (case.op == Op::MemsetZero, flushed) {
        (true, true) => stored::<I, S, true, true>,
        (true, false) => stored::<I, S, true, false>,
        (false, true) => stored::<I, S, false, true>,
        (false, false) => stored::<I, S, false, false>,
    });
    let read = case.op == Op::ReadBack;
    clock(case, memory, count, |dest, src, size| {
        // SAFETY: destination and source are inside their memory.
        unsafe {
            stored(dest, src, size);
            if read {
                raw::read(dest, size);
            }
        }
    })
}

type Stored = unsafe extern "C" fn(*mut u8, *const u8, usize);

/// # Safety
/// As for [`Stores::copy`].
unsafe extern "C" fn stored<I: Instruction, S: Stores, const ZERO: bool, const FLUSHED: bool>(
    dest: *mut u8,
    src: *const u8,
    size: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        if ZERO {
            S::zero(dest, size);
        } else {
            S::copy(dest, src, size);
        }
        if FLUSHED {
            raw::flush::<I>(dest, size);
        }
    }
    raw::fence();
}
