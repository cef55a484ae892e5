//! Every strategy, forced, as a table; and the negative controls.

use std::marker::PhantomData;

use kpmem::{
    Byte, Copies, Flags, Granularity, Lines, Primitives, Stores, Table,
    arch::{Clwb, Clzero, Cpu, Features, Mov, Movdir64b, Movnti, RepMovsq},
};

use super::movdir64b;

/// These stores at every size.
pub struct Forced<T, N>(PhantomData<(T, N)>);

impl<T: Stores, N: Stores> Copies for Forced<T, N> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 0;
}

/// `rep movsq` and `rep stosq` at every size.
pub type Rep = RepMovsq<0, 0>;

static TABLES: [(&str, Table); 9] = [
    ("mov", Table::of::<Lines<Clwb, 64, Forced<Mov, Mov>>>()),
    (
        "movnti",
        Table::of::<Lines<Clwb, 64, Forced<Mov, Movnti>>>(),
    ),
    (
        "rep movsq",
        Table::of::<Lines<Clwb, 64, Forced<Rep, Rep>>>(),
    ),
    (
        "movnti, 256-byte lines",
        Table::of::<Lines<Clwb, 256, Forced<Mov, Movnti>>>(),
    ),
    ("byte, mov", Table::of::<Byte<Forced<Mov, Mov>>>()),
    ("byte, rep movsq", Table::of::<Byte<Forced<Rep, Rep>>>()),
    ("byte, movnti", Table::of::<Byte<Forced<Mov, Movnti>>>()),
    ("default of own primitives", Table::of::<Own>()),
    (
        "movdir64b",
        Table::of::<Lines<Clwb, 64, Forced<Mov, Movdir64b>>>(),
    ),
];
static CLZERO: Table = Table::of::<Lines<Clwb, 64, Forced<Mov, Clzero<0>>>>();

/// The tables of this CPU and every strategy that it can run, by name. `movdir64b` is emulated where the CPU lacks it.
pub fn all() -> Vec<(&'static str, &'static Table)> {
    movdir64b::emulate();
    let cpu = Cpu::detect();
    let mut all = vec![("detected", cpu.table().unwrap()), ("byte", &kpmem::BYTE)];
    all.extend(TABLES.iter().map(|(name, table)| (*name, table)));
    if cpu.features.contains(Features::CLZERO) {
        all.push(("clzero", &CLZERO));
    }
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

/// Primitives of one's own get copies without any further word.
struct Own;

// SAFETY: nothing here must survive a power cut.
unsafe impl Primitives for Own {
    const NAME: &'static str = "own";
    const GRANULARITY: Granularity = Granularity::Page;
    const LINE: usize = 1;

    unsafe fn flush(_ptr: *const u8, _len: usize) {}

    fn drain() {}
}
