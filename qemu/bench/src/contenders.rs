//! Who runs a case: kpmem through a table, kpmem fixed at compile time, the bare instructions,
//! libpmem2.

use std::{hint::black_box, sync::LazyLock, time::Instant};

use anyhow::{Result, bail};
use kpmem::{
    BYTE, Byte, Granularity, Lines, Primitives, Table,
    arch::{
        Clwb, ClzeroCopies, Cpu, Features,
        vector::{Guard, Width},
    },
};

use crate::{
    bare::Bare,
    cases::{Case, Op},
    memory::Memory,
    peer::Peer,
    raw,
    times::{COUNT, Who},
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

/// Functions, and the code that calls them: its own for each, as a CPU predicts an indirect call
/// best that always goes to the same place.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    functions: Functions,
    pointers: fn(Functions, &Case, &mut Memory, usize) -> f64,
}

impl Called {
    fn from<const SITE: usize>(functions: Functions) -> Self {
        Self {
            functions,
            pointers: pointers::<SITE>,
        }
    }
}

/// Who.
#[derive(Clone, Copy, Debug)]
pub enum Contender {
    /// By pointers: kpmem's tables, libpmem2.
    Pointers { line: Called, byte: Called },
    /// kpmem at compile time.
    Fixed,
    /// Copies by pointers: kpmem's by vectors.
    Copies { line: Called, byte: Called },
    /// Instructions.
    Bare(Bare),
}

/// User space keeps its own vector registers.
struct NoGuard;

// SAFETY: the kernel saves the registers of each thread.
unsafe impl Guard for NoGuard {
    type State = ();
    fn enter() {}
    fn leave((): ()) {}
}

/// All of them, but for a peer that is not installed.
///
/// # Errors
/// A CPU without `clwb`, by which everybody else flushes.
pub fn all(peer: Option<[Peer; 2]>) -> Result<[Option<Contender>; COUNT]> {
    let cpu = Cpu::detect();
    if !cpu.features.contains(Features::CLWB) {
        bail!("this CPU has no clwb, which the benchmark is about: {cpu:?}");
    }
    let table = cpu.table()?;
    let (width, functions) = (*WIDTH, Functions::of);
    let mut all = [None; COUNT];
    all[Who::Kpmem as usize] = Some(Contender::Pointers {
        line: Called::from::<0>(functions(table)),
        byte: Called::from::<1>(functions(cpu.byte_table())),
    });
    all[Who::Fixed as usize] = Some(Contender::Fixed);
    all[Who::Raw as usize] = Some(Contender::Bare(Bare::Plain));
    all[Who::OtherRaw as usize] = Some(Contender::Bare(Bare::Other));
    all[Who::Peer as usize] = peer.map(|[line, byte]| Contender::Pointers {
        line: Called::from::<2>(Functions(line)),
        byte: Called::from::<3>(Functions(byte)),
    });
    all[Who::Vector as usize] = Some(Contender::Copies {
        line: Called::from::<4>(functions(width.table::<Clwb, NoGuard>(cpu))),
        byte: Called::from::<5>(functions(width.byte_table::<NoGuard>(cpu))),
    });
    all[Who::RawVector as usize] = Some(Contender::Bare(Bare::Vector));
    Ok(all)
}

/// Whether this CPU can zero a line. Asked once: CPUID takes long in a virtual machine.
pub static CLZERO: LazyLock<bool> =
    LazyLock::new(|| Cpu::detect().features.contains(Features::CLZERO));
/// Its widest vectors.
pub static WIDTH: LazyLock<Width> = LazyLock::new(Width::detect);

impl Contender {
    /// Nanoseconds for one call, of `count` calls. None where this contender has nothing to
    /// compare.
    pub fn time(self, case: &Case, memory: &mut Memory, count: usize) -> Option<f64> {
        let by_byte = case.granularity == Granularity::Byte;
        match self {
            Self::Copies { .. } if !case.op.copies() => None,
            Self::Pointers { line, byte } | Self::Copies { line, byte } => {
                let called = if by_byte { byte } else { line };
                Some((called.pointers)(called.functions, case, memory, count))
            }
            Self::Fixed if by_byte => Some(fixed::<Byte>(case, memory, count)),
            Self::Fixed if *CLZERO => {
                Some(fixed::<Lines<Clwb, 64, ClzeroCopies>>(case, memory, count))
            }
            Self::Fixed => Some(fixed::<Lines<Clwb, 64>>(case, memory, count)),
            Self::Bare(bare) => bare.time(case, memory, count),
        }
    }
}

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

fn pointers<const SITE: usize>(
    Functions(f): Functions,
    case: &Case,
    memory: &mut Memory,
    count: usize,
) -> f64 {
    // Else the compiler finds that all sites are the same.
    black_box(SITE);
    let flags = case.flags.bits();
    let f = black_box(f);
    // SAFETY: destination and source are inside their memory.
    unsafe {
        match case.op {
            Op::Persist => clock_row(case, memory, count, move |dest, _, size| {
                dirty(dest);
                (f.persist)(dest, size);
            }),
            Op::Drain => clock_row(case, memory, count, move |_, _, _| (f.drain)()),
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
    let map = unsafe { kpmem::Map::<kpmem::Fixed<P>>::fixed(1 as *mut u8, usize::MAX).unwrap() };
    let copy = |dest, src, size, flags| unsafe { let _ = map.memmove(dest, src, size, flags); };
    // SAFETY: destination and source are inside their memory.
    unsafe {
        match case.op {
            Op::Persist => clock_row(case, memory, count, |dest, _, size| {
                dirty(dest);
                P::persist(dest, size);
            }),
            Op::Drain => clock_row(case, memory, count, |_, _, _| P::drain()),
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
                copy(dest, src, size, flags);
            }),
            Op::MemsetZero => clock(case, memory, count, |dest, _, size| {
                let _ = map.memset(dest, 0, size, flags);
            }),
            Op::ReadBack => clock(case, memory, count, |dest, src, size| {
                copy(dest, src, size, flags);
                raw::read(dest, size);
            }),
        }
    }
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
