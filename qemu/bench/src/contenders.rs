//! Who runs a case: kpmem through a table, kpmem fixed at compile time, the bare instructions, libpmem2.

use std::{hint::black_box, time::Instant};

use kpmem::{
    BYTE, Byte, Flags, Granularity, Lines, Primitives, Table,
    arch::{
        self, Clwb, ClzeroCopies,
        vector::{Guard, Width},
    },
};

use crate::{
    cases::{Case, Op},
    memory::Memory,
    peer::Peer,
    raw,
};

/// The functions of a map, as pointers.
#[derive(Clone, Copy, Debug)]
pub struct Functions(Peer);

impl Functions {
    pub fn of(table: &Table) -> Self {
        Self(Peer {
            persist: table.persist_fn(),
            flush: table.flush_fn(),
            drain: table.drain_fn(),
            memmove: table.memmove_fn(),
            memset: table.memset_fn(),
        })
    }
}

/// Who.
#[derive(Clone, Copy, Debug)]
pub enum Contender {
    /// By pointers: kpmem's tables, libpmem2.
    Pointers { line: Functions, byte: Functions },
    /// kpmem at compile time.
    Fixed,
    /// Instructions.
    Raw,
    /// kpmem's table with vectors, of cache-line granularity.
    Vector(Functions),
}

/// User space keeps its own vector registers.
struct NoGuard;

// SAFETY: the kernel saves the registers of each thread.
unsafe impl Guard for NoGuard {
    type State = ();
    fn enter() {}
    fn leave((): ()) {}
}

/// How many there are.
pub const COUNT: usize = 5;

/// kpmem, kpmem fixed, raw, the peer if there is one, and kpmem with vectors.
pub fn all(peer: Option<[Peer; 2]>) -> [Option<Contender>; COUNT] {
    let table = arch::Cpu::detect().table().unwrap_or(&arch::CLWB[0]);
    let (line, byte) = (Functions::of(table), Functions::of(&BYTE));
    let vector = Functions::of(Width::detect().table::<Clwb, NoGuard>());
    let peer = peer.map(|[line, byte]| (Functions(line), Functions(byte)));
    [
        Some(Contender::Pointers { line, byte }),
        Some(Contender::Fixed),
        Some(Contender::Raw),
        peer.map(|(line, byte)| Contender::Pointers { line, byte }),
        Some(Contender::Vector(vector)),
    ]
}

impl Contender {
    /// Nanoseconds for one call, of `count` calls. None where this contender has nothing to compare.
    pub fn time(self, case: &Case, memory: &mut Memory, count: usize) -> Option<f64> {
        let byte = case.granularity == Granularity::Byte;
        match self {
            Self::Pointers {
                line,
                byte: by_byte,
            } => Some(pointers(
                if byte { by_byte } else { line },
                case,
                memory,
                count,
            )),
            // The fixed strategy is that of the CPU that this was tuned on.
            Self::Fixed if byte => Some(fixed::<Byte>(case, memory, count)),
            Self::Fixed => Some(fixed::<Lines<Clwb, 64, ClzeroCopies>>(case, memory, count)),
            Self::Vector(functions) if !byte && case.op.copies() => {
                Some(pointers(functions, case, memory, count))
            }
            Self::Vector(_) => None,
            Self::Raw => bare(case, memory, count, byte),
        }
    }
}

/// Times `count` calls of `op` with the destination, as a case places it.
#[inline(always)]
fn clock(
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

fn pointers(Functions(f): Functions, case: &Case, memory: &mut Memory, count: usize) -> f64 {
    let flags = case.flags.bits();
    let f = black_box(f);
    // SAFETY: destination and source are inside their memory.
    unsafe {
        match case.op {
            Op::Persist => clock(case, memory, count, move |dest, _, size| {
                dirty(dest);
                (f.persist)(dest, size);
            }),
            Op::Drain => clock(case, memory, count, move |_, _, _| (f.drain)()),
            Op::FlushDrain => clock(case, memory, count, move |dest, _, size| {
                dirty(dest);
                (f.flush)(dest, size);
                (f.drain)();
            }),
            Op::EightFlushesDrain => clock(case, memory, count, move |dest, _, size| {
                for i in 0..8 {
                    dirty(dest.add(i * 256));
                    (f.flush)(dest.add(i * 256), size);
                }
                (f.drain)();
            }),
            Op::Memcpy => clock(case, memory, count, move |dest, src, size| {
                (f.memmove)(dest, src, size, flags);
            }),
            Op::MemsetZero => clock(case, memory, count, move |dest, _, size| {
                (f.memset)(dest, 0, size, flags);
            }),
            Op::ReadBack => clock(case, memory, count, move |dest, src, size| {
                (f.memmove)(dest, src, size, flags);
                raw::read(dest, size);
            }),
        }
    }
}

fn fixed<P: Primitives>(case: &Case, memory: &mut Memory, count: usize) -> f64 {
    let flags = black_box(case.flags);
    // SAFETY: destination and source are inside their memory.
    unsafe {
        match case.op {
            Op::Persist => clock(case, memory, count, |dest, _, size| {
                dirty(dest);
                P::persist(dest, size);
            }),
            Op::Drain => clock(case, memory, count, |_, _, _| P::drain()),
            Op::FlushDrain => clock(case, memory, count, |dest, _, size| {
                dirty(dest);
                P::flush(dest, size);
                P::drain();
            }),
            Op::EightFlushesDrain => clock(case, memory, count, |dest, _, size| {
                for i in 0..8 {
                    dirty(dest.add(i * 256));
                    P::flush(dest.add(i * 256), size);
                }
                P::drain();
            }),
            Op::Memcpy => clock(case, memory, count, |dest, src, size| {
                P::memmove(dest, src, size, flags);
            }),
            Op::MemsetZero => clock(case, memory, count, |dest, _, size| {
                P::memset(dest, 0, size, flags);
            }),
            Op::ReadBack => clock(case, memory, count, |dest, src, size| {
                P::memmove(dest, src, size, flags);
                raw::read(dest, size);
            }),
        }
    }
}

fn bare(case: &Case, memory: &mut Memory, count: usize, byte: bool) -> Option<f64> {
    let cached =
        case.flags.intersects(Flags::TEMPORAL | Flags::WB) || (byte && case.flags.is_empty());
    if case.op.copies() && !case.align.is_multiple_of(8) {
        return None;
    }
    let flush = |dest: *mut u8, size| {
        if !byte {
            // SAFETY: as below.
            unsafe { raw::flush(dest, size) }
        }
    };
    // SAFETY: destination and source are inside their memory.
    Some(unsafe {
        match (case.op, cached) {
            (Op::Persist | Op::FlushDrain, _) => clock(case, memory, count, |dest, _, size| {
                dirty(dest);
                flush(dest, size);
                raw::fence();
            }),
            (Op::Drain, _) => clock(case, memory, count, |_, _, _| raw::fence()),
            (Op::EightFlushesDrain, _) => clock(case, memory, count, |dest, _, size| {
                for i in 0..8 {
                    dirty(dest.add(i * 256));
                    flush(dest.add(i * 256), size);
                }
                raw::fence();
            }),
            (Op::Memcpy, true) => clock(case, memory, count, |dest, src, size| {
                raw::copy_cached(dest, src, size);
                flush(dest, size);
                raw::fence();
            }),
            (Op::Memcpy, false) => clock(case, memory, count, |dest, src, size| {
                raw::copy_movnti(dest, src, size);
                raw::fence();
            }),
            (Op::MemsetZero, true) => clock(case, memory, count, |dest, _, size| {
                raw::zero_cached(dest, size);
                flush(dest, size);
                raw::fence();
            }),
            (Op::MemsetZero, false) => clock(case, memory, count, |dest, _, size| {
                raw::zero_movnti(dest, size);
                raw::fence();
            }),
            (Op::ReadBack, true) => clock(case, memory, count, |dest, src, size| {
                raw::copy_cached(dest, src, size);
                flush(dest, size);
                raw::fence();
                raw::read(dest, size);
            }),
            (Op::ReadBack, false) => clock(case, memory, count, |dest, src, size| {
                raw::copy_movnti(dest, src, size);
                raw::fence();
                raw::read(dest, size);
            }),
        }
    })
}

/// A store for the flush to write back.
///
/// # Safety
/// The byte must be writable.
#[inline(always)]
unsafe fn dirty(dest: *mut u8) {
    // SAFETY: the caller's.
    unsafe { dest.write_volatile(1) }
}
