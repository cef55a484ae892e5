//! Every strategy, forced, as a table; and the negative controls.

use std::{marker::PhantomData, sync::LazyLock};

use kpmem::{
    Byte, Fixed, Flags, Functions, Granularity, Instruction, Lines, Map, Primitives, Table,
    arch::{
        Ahead, Clflush, Clflushopt, Clwb, Clzero, Cpu, Features, Mov, Movdir64b, Movnti,
        PlainCopies, RepMovsq,
    },
    tuning::{Copies, Stores},
};

use super::movdir64b;

/// These stores at every size.
pub struct Forced<T, N>(PhantomData<(T, N)>);

impl<T: Stores, N: Stores> Copies for Forced<T, N> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 0;
}

/// The same, with the copies through the cache in line: up to two lines line by line, and more by
/// chunks.
pub struct InLine<C>(PhantomData<C>);

impl<C: Copies> Copies for InLine<C> {
    type Temporal = C::Temporal;
    type NonTemporal = C::NonTemporal;
    const NON_TEMPORAL_FROM: usize = C::NON_TEMPORAL_FROM;
    const BY_LINE_UP_TO: usize = 128;
    const IN_LINE: bool = true;
}

/// The same, where only whole lines go past the cache.
pub struct WholeLines<C>(PhantomData<C>);

impl<C: Copies> Copies for WholeLines<C> {
    type Temporal = C::Temporal;
    type NonTemporal = C::NonTemporal;
    const NON_TEMPORAL_FROM: usize = C::NON_TEMPORAL_FROM;
    const PARTS_PAST_THE_CACHE: bool = false;
    const IN_LINE: bool = true;
}

/// The best instruction that this CPU has.
pub struct Best;

static FEATURES: LazyLock<Features> = LazyLock::new(|| Cpu::detect().features);

// SAFETY: one of three that are, each with its own fence; `mfence` is right for all.
unsafe impl Instruction for Best {
    const NAME: &'static str = "best";

    unsafe fn write_back(line: *const u8) {
        // SAFETY: the caller's; the CPU has the instruction.
        unsafe {
            if FEATURES.contains(Features::CLWB) {
                Clwb::write_back(line);
            } else if FEATURES.contains(Features::CLFLUSHOPT) {
                Clflushopt::write_back(line);
            } else {
                Clflush::write_back(line);
            }
        }
    }

    fn drain() {
        Clflush::drain();
    }

    unsafe fn write_back_invalidate(line: *const u8) {
        // SAFETY: the caller's; every CPU has the instruction.
        unsafe { Clflush::write_back(line) }
    }
}

/// The functions of a map that is fixed at compile time, which plan copies by code in line.
pub const fn fixed<P: Primitives>() -> Table {
    unsafe extern "C" fn memmove<P: Primitives>(
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: u32,
    ) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            let flags = Flags::from_bits_retain(flags);
            if everywhere::<P>().memmove(dest, src, len, flags).is_err() {
                everywhere::<P>()
                    .memmove(dest, src, len, Flags::empty())
                    .unwrap();
            }
        }
        dest
    }
    unsafe extern "C" fn memset<P: Primitives>(
        dest: *mut u8,
        c: i32,
        len: usize,
        flags: u32,
    ) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            let (byte, flags) = (c as u8, Flags::from_bits_retain(flags));
            if everywhere::<P>().memset(dest, byte, len, flags).is_err() {
                everywhere::<P>()
                    .memset(dest, byte, len, Flags::empty())
                    .unwrap();
            }
        }
        dest
    }
    fn everywhere<P: Primitives>() -> Map<Fixed<P>> {
        // SAFETY: the callers vouch for their ranges.
        unsafe { Map::fixed_at(1, usize::MAX) }.unwrap()
    }
    let table = Table::of::<P>();
    let functions = Functions {
        memmove: memmove::<P>,
        memset: memset::<P>,
        ..table.functions()
    };
    // SAFETY: those of `P`.
    unsafe { Table::from_functions(P::NAME, P::GRANULARITY, P::LINE, functions) }
}

/// `rep movsq` and `rep stosq` at every size.
pub type Rep = RepMovsq<0, 0>;

static TABLES: [(&str, Table); 14] = [
    ("mov", Table::of::<Lines<Best, 64, Forced<Mov, Mov>>>()),
    (
        "movnti",
        Table::of::<Lines<Best, 64, Forced<Mov, Movnti>>>(),
    ),
    (
        "rep movsq",
        Table::of::<Lines<Best, 64, Forced<Rep, Rep>>>(),
    ),
    (
        "rep movsq in line",
        Table::of::<Lines<Best, 64, InLine<Forced<Rep, Rep>>>>(),
    ),
    (
        "movnti, 256-byte lines",
        Table::of::<Lines<Best, 256, Forced<Mov, Movnti>>>(),
    ),
    ("byte, mov", Table::of::<Byte<Forced<Mov, Mov>>>()),
    ("byte, rep movsq", Table::of::<Byte<Forced<Rep, Rep>>>()),
    ("byte, movnti", Table::of::<Byte<Forced<Mov, Movnti>>>()),
    ("own primitives", Table::of::<Own>()),
    (
        "ahead",
        Table::of::<Lines<Best, 64, Forced<Ahead<64, 512>, Movnti>>>(),
    ),
    (
        "fixed, movnti",
        fixed::<Lines<Best, 64, Forced<Mov, Movnti>>>(),
    ),
    (
        "fixed, rep movsq in line",
        fixed::<Lines<Best, 64, InLine<Forced<Rep, Rep>>>>(),
    ),
    (
        "fixed, whole lines past the cache",
        fixed::<Lines<Best, 64, WholeLines<Forced<Mov, Movnti>>>>(),
    ),
    (
        "movdir64b",
        Table::of::<Lines<Best, 64, Forced<Mov, Movdir64b>>>(),
    ),
];
static CLZERO: Table = Table::of::<Lines<Best, 64, Forced<Mov, Clzero<0>>>>();

/// The tables of this CPU and every strategy that it can run, by name. `movdir64b` is emulated
/// where the CPU lacks it.
pub fn all() -> Vec<(&'static str, &'static Table)> {
    movdir64b::emulate();
    let cpu = Cpu::detect();
    let mut all = vec![("detected", cpu.table().unwrap()), ("byte", &kpmem::BYTE)];
    all.extend(TABLES.iter().map(|(name, table)| (*name, table)));
    if cpu.features.contains(Features::CLZERO) {
        all.push(("clzero", &CLZERO));
    }
    #[cfg(feature = "vector")]
    all.extend(super::vectors::all());
    all
}

/// Flags that mean something, and so each path through a copy.
pub const FLAGS: [Flags; 9] = [
    Flags::empty(),
    Flags::NONTEMPORAL,
    Flags::TEMPORAL,
    Flags::WC,
    Flags::WB,
    Flags::NOFLUSH,
    Flags::NODRAIN,
    Flags::NONTEMPORAL.union(Flags::NODRAIN),
    Flags::TEMPORAL.union(Flags::NODRAIN),
];

/// Primitives of one's own.
struct Own;

// SAFETY: nothing here must survive a power cut.
unsafe impl Primitives for Own {
    const NAME: &'static str = "own";
    const GRANULARITY: Granularity = Granularity::Page;
    const LINE: usize = 1;
    type Copies = PlainCopies;

    unsafe fn flush(_ptr: *const u8, _len: usize) {}

    fn drain() {}
}
