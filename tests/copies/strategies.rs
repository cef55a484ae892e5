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

/// The same, with the copies through the cache in line: up to two lines line by line, and more by
/// chunks.
pub struct InLine<C>(PhantomData<C>);

impl<C: Copies> Copies for InLine<C> {
    type Temporal = C::Temporal;
    type NonTemporal = C::NonTemporal;
    const NON_TEMPORAL_FROM: usize = C::NON_TEMPORAL_FROM;
    const BY_LINE_UP_TO: usize = 128;
}

/// `rep movsq` and `rep stosq` at every size.
pub type Rep = RepMovsq<0, 0>;

static TABLES: [(&str, Table); 10] = [
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
        "rep movsq in line",
        Table::of::<Lines<Clwb, 64, InLine<Forced<Rep, Rep>>>>(),
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
    all.extend(vectors::all());
    all
}

#[cfg(feature = "vector")]
mod vectors {
    use std::cell::Cell;

    use kpmem::{
        Flags, Table,
        arch::{
            Clwb,
            vector::{Guard, Width},
        },
    };

    thread_local! {
        static INSIDE: Cell<bool> = const { Cell::new(false) };
        static ENTERED: Cell<usize> = const { Cell::new(0) };
    }

    /// Checks that it is entered and left in turns.
    struct Checked;

    // SAFETY: user space has its own vector registers.
    unsafe impl Guard for Checked {
        type State = usize;

        fn enter() -> usize {
            assert!(!INSIDE.replace(true), "entered twice");
            ENTERED.set(ENTERED.get() + 1);
            ENTERED.get()
        }

        fn leave(state: usize) {
            assert!(INSIDE.replace(false) && state == ENTERED.get());
        }
    }

    /// Each width that this CPU has, for lines and for bytes.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static Table)> {
        [
            (Width::Sse2, ["sse2", "byte, sse2"]),
            (Width::Avx, ["avx", "byte, avx"]),
            (Width::Avx512, ["avx-512", "byte, avx-512"]),
        ]
        .into_iter()
        .filter(|(width, _)| *width <= Width::detect())
        .flat_map(|(width, [line, byte])| {
            [
                (line, width.table::<Clwb, Checked>()),
                (byte, width.byte_table::<Checked>()),
            ]
        })
    }

    #[test]
    fn the_guard_is_entered_for_large_copies_only() {
        let (mut dest, source) = (vec![0_u64; 512], vec![7_u64; 512]);
        for (_, table) in all() {
            for (len, entered) in [(8, 0), (248, 0), (4096, 1)] {
                ENTERED.set(0);
                // SAFETY: both are as long.
                unsafe {
                    table.memcpy_fn()(
                        dest.as_mut_ptr().cast(),
                        source.as_ptr().cast(),
                        len,
                        Flags::empty().bits(),
                    )
                };
                assert_eq!((ENTERED.get(), INSIDE.get()), (entered, false));
            }
        }
        assert_eq!(dest, source);
    }
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
