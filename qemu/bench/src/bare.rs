//! The bare instructions as a contender: what kpmem's time can be compared with, and the least that
//! it can be.

use std::hint::black_box;

use kpmem::{Flags, Granularity, arch::vector::Width};

use crate::{
    cases::{Case, Op},
    contenders::{CLZERO, WIDTH, clock, clock_row, dirty},
    memory::Memory,
    raw::{self, Avx512, Avx512Nt, Clzero, Mov, Movnti, Rep, Stores},
};

/// From this size on, `rep movsq` is what one would write.
const REP: usize = 512;

/// Which of the instructions.
#[derive(Clone, Copy, Debug)]
pub enum Bare {
    /// The plain ones for the case: of the goals, "raw" and "movnti".
    Plain,
    /// The others that may be faster; of a fence, one behind a pointer.
    Other,
    /// 64-byte vectors.
    Vector,
}

impl Bare {
    /// Nanoseconds for one call, of `count` calls. None where there are no such instructions, or
    /// where they take more than a loop.
    pub fn time(self, case: &Case, memory: &mut Memory, count: usize) -> Option<f64> {
        let byte = case.granularity == Granularity::Byte;
        if !case.op.copies() {
            return match self {
                Self::Plain => Some(persist(case, memory, count, byte)),
                Self::Other if byte || case.op == Op::Drain => Some(called(case, memory, count)),
                Self::Other | Self::Vector => None,
            };
        }
        let cached =
            case.flags.intersects(Flags::TEMPORAL | Flags::WB) || (byte && case.flags.is_empty());
        let small = case.size < REP;
        let lines = case.align == 0 && case.size.is_multiple_of(64);
        let zeroes = case.op == Op::MemsetZero;
        match self {
            _ if !case.align.is_multiple_of(8) => None,
            Self::Plain if !cached => Some(copy::<Movnti>(case, memory, count, byte)),
            Self::Plain if small => Some(copy::<Mov>(case, memory, count, byte)),
            Self::Plain => Some(copy::<Rep>(case, memory, count, byte)),
            Self::Other if cached && small => Some(copy::<Rep>(case, memory, count, byte)),
            Self::Other if cached => Some(copy::<Mov>(case, memory, count, byte)),
            Self::Other if zeroes && lines && *CLZERO => {
                Some(copy::<Clzero>(case, memory, count, byte))
            }
            Self::Vector if lines && *WIDTH == Width::Avx512 => Some(match cached {
                true => copy::<Avx512>(case, memory, count, byte),
                false => copy::<Avx512Nt>(case, memory, count, byte),
            }),
            Self::Other | Self::Vector => None,
        }
    }
}

fn persist(case: &Case, memory: &mut Memory, count: usize, byte: bool) -> f64 {
    let flush = |dest: *mut u8, size| {
        if !byte {
            // SAFETY: destination and size are inside the memory.
            unsafe { raw::flush(dest, size) }
        }
    };
    // SAFETY: destinations are inside the memory.
    unsafe {
        match case.op {
            Op::Drain => clock_row(case, memory, count, |_, _, _| raw::fence()),
            Op::Persist => clock_row(case, memory, count, |dest, _, size| {
                dirty(dest);
                flush(dest, size);
                raw::fence();
            }),
            Op::EightFlushesDrain => clock(case, memory, count, |dest, _, size| {
                for i in 0..8 {
                    dirty(dest.add(i * 256));
                    flush(dest.add(i * 256), size);
                }
                raw::fence();
            }),
            _ => clock(case, memory, count, |dest, _, size| {
                dirty(dest);
                flush(dest, size);
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

fn copy<S: Stores>(case: &Case, memory: &mut Memory, count: usize, byte: bool) -> f64 {
    let finish = |dest: *mut u8, size| {
        if S::CACHED && !byte {
            // SAFETY: destination and size are inside the memory.
            unsafe { raw::flush(dest, size) }
        }
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
