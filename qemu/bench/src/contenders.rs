//! Who runs a case: kpmem through a table, kpmem fixed at compile time, the bare instructions,
//! libpmem2.

use std::hint::black_box;

use anyhow::{Result, bail};
use kpmem::{
    Byte, Fixed, Granularity, Instruction, Lines, Map, NoGuard, Primitives, Table,
    arch::{ByteCopies, Clflushopt, Clwb, ClzeroByteCopies, ClzeroCopies, Cpu, Features},
    tuning::Copies,
};

use crate::{
    bare,
    cases::{Case, Op},
    clock::{CLZERO, WIDTH, clock, clock_row, dirty},
    memory::Memory,
    peer::Peer,
    raw,
    times::{COUNT, Who},
};

/// The functions of a map, as pointers.
#[derive(Clone, Copy, Debug)]
struct Functions(Peer);

impl Functions {
    fn of(table: &Table) -> Self {
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

/// Nanoseconds for one call, of so many calls.
type Turn<T> = fn(&Case, &mut Memory, usize) -> T;

/// Who.
#[derive(Clone, Copy, Debug)]
pub enum Contender {
    /// By pointers: kpmem's tables, libpmem2.
    Pointers { line: Called, byte: Called },
    /// Copies by pointers: kpmem's by vectors.
    Copies { line: Called, byte: Called },
    /// kpmem at compile time.
    Fixed { line: Turn<f64>, byte: Turn<f64> },
    /// Instructions.
    Bare(Turn<Option<f64>>),
}

/// All of them, but for a peer that is not installed.
///
/// # Errors
/// A CPU with neither `clwb` nor `clflushopt`.
pub fn all(peer: Option<[Peer; 2]>) -> Result<[Option<Contender>; COUNT]> {
    let cpu = Cpu::detect();
    if cpu.features.contains(Features::CLWB) {
        flushing_by::<Clwb>(cpu, peer)
    } else if cpu.features.contains(Features::CLFLUSHOPT) {
        flushing_by::<Clflushopt>(cpu, peer)
    } else {
        bail!("this CPU has neither clwb nor clflushopt, which the benchmark is about: {cpu:?}")
    }
}

fn flushing_by<I: Instruction>(
    cpu: Cpu,
    peer: Option<[Peer; 2]>,
) -> Result<[Option<Contender>; COUNT]> {
    let (width, functions) = (*WIDTH, Functions::of);
    let mut all = [None; COUNT];
    all[Who::Kpmem as usize] = Some(Contender::Pointers {
        line: Called::from::<0>(functions(cpu.table()?)),
        byte: Called::from::<1>(functions(cpu.byte_table())),
    });
    all[Who::Fixed as usize] = Some(if *CLZERO {
        Contender::fixed::<I, ClzeroCopies, ClzeroByteCopies>()
    } else {
        Contender::fixed::<I, kpmem::arch::LineCopies, ByteCopies>()
    });
    all[Who::Raw as usize] = Some(Contender::Bare(bare::time::<I, { bare::PLAIN }>));
    all[Who::OtherRaw as usize] = Some(Contender::Bare(bare::time::<I, { bare::OTHER }>));
    all[Who::RawVector as usize] = Some(Contender::Bare(bare::time::<I, { bare::VECTOR }>));
    all[Who::Peer as usize] = peer.map(|[line, byte]| Contender::Pointers {
        line: Called::from::<2>(Functions(line)),
        byte: Called::from::<3>(Functions(byte)),
    });
    all[Who::Vector as usize] = Some(Contender::Copies {
        line: Called::from::<4>(functions(width.table::<I, NoGuard>(cpu)?)),
        byte: Called::from::<5>(functions(width.byte_table::<NoGuard>(cpu))),
    });
    Ok(all)
}

impl Contender {
    fn fixed<I: Instruction, L: Copies, B: Copies>() -> Self {
        Self::Fixed {
            line: fixed::<Lines<I, 64, L>>,
            byte: fixed::<Byte<B>>,
        }
    }

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
            Self::Fixed { line, byte } => {
                Some(if by_byte { byte } else { line }(case, memory, count))
            }
            Self::Bare(time) => time(case, memory, count),
        }
    }
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
    let (base, len) = memory.all();
    // SAFETY: the memory is mapped for good, and the CPU has the instructions.
    let map = unsafe { Map::<Fixed<P>>::fixed(base, len) }.expect("a range");
    // SAFETY: destination and source are inside their memory; what the checked copies say of that
    // is known.
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
                let _ = map.memmove(dest, src, size, flags);
            }),
            Op::MemsetZero => clock(case, memory, count, |dest, _, size| {
                let _ = map.memset(dest, 0, size, flags);
            }),
            Op::ReadBack => clock(case, memory, count, |dest, src, size| {
                let _ = map.memmove(dest, src, size, flags);
                raw::read(dest, size);
            }),
        }
    }
}
