//! Copies by vectors: each width that the CPU has, and the guard that lends it.
#![cfg(feature = "vector")]

use std::{cell::Cell, marker::PhantomData};

use kpmem::{
    Byte, Flags, Lines, Table,
    arch::{
        Cpu,
        vector::{
            Avx, Avx512, GUARDED, Guard, Sse2, Vector, VectorByteCopies, VectorCopies, Width,
        },
    },
};

use super::{
    cases::{Case, Op},
    content::call,
    memory::{Arena, PAGE},
    strategies::{Best, fixed},
};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static ENTERED: Cell<usize> = const { Cell::new(0) };
    /// Bytes that vectors stored inside the guard, since it was entered and in all.
    static GUARDED_NOW: Cell<usize> = const { Cell::new(0) };
    static STORED: Cell<usize> = const { Cell::new(0) };
}

/// Checks that it is entered and left in turns.
struct Checked;

// SAFETY: user space has its own vector registers.
unsafe impl Guard for Checked {
    type State = usize;

    fn enter() -> usize {
        assert!(!INSIDE.replace(true), "entered twice");
        GUARDED_NOW.set(0);
        ENTERED.set(ENTERED.get() + 1);
        ENTERED.get()
    }

    fn leave(state: usize) {
        assert!(INSIDE.replace(false) && state == ENTERED.get());
    }
}

/// `V`, inside the guard and for no longer than that may last.
struct Counted<V>(PhantomData<V>);

fn count(bytes: usize) {
    assert!(INSIDE.get(), "vectors outside the guard");
    GUARDED_NOW.set(GUARDED_NOW.get() + bytes);
    assert!(GUARDED_NOW.get() <= GUARDED, "too long inside the guard");
    STORED.set(STORED.get() + bytes);
}

// SAFETY: as for `V`.
unsafe impl<V: Vector> Vector for Counted<V> {
    const BYTES: usize = V::BYTES;

    unsafe fn copy(dest: *mut u64, src: *const u8, blocks: usize, cached: bool) {
        count(blocks * 4 * V::BYTES);
        // SAFETY: the caller's.
        unsafe { V::copy(dest, src, blocks, cached) }
    }

    unsafe fn fill(dest: *mut u64, word: u64, blocks: usize, cached: bool) {
        count(blocks * 4 * V::BYTES);
        // SAFETY: the caller's.
        unsafe { V::fill(dest, word, blocks, cached) }
    }
}

type Line<V> = Lines<Best, 64, VectorCopies<V, Checked>>;
type OfBytes<V> = Byte<VectorByteCopies<V, Checked>>;

static FIXED: [[Table; 2]; 3] = [
    [fixed::<Line<Sse2>>(), fixed::<OfBytes<Sse2>>()],
    [fixed::<Line<Avx>>(), fixed::<OfBytes<Avx>>()],
    [fixed::<Line<Avx512>>(), fixed::<OfBytes<Avx512>>()],
];
static COUNTED: [[Table; 4]; 3] = [counted::<Sse2>(), counted::<Avx>(), counted::<Avx512>()];

const fn counted<V: Vector>() -> [Table; 4] {
    [
        Table::of::<Line<Counted<V>>>(),
        fixed::<Line<Counted<V>>>(),
        Table::of::<OfBytes<Counted<V>>>(),
        fixed::<OfBytes<Counted<V>>>(),
    ]
}

const WIDTHS: [(Width, [&str; 4]); 3] = [
    (
        Width::Sse2,
        ["sse2", "byte, sse2", "fixed, sse2", "fixed, byte, sse2"],
    ),
    (
        Width::Avx,
        ["avx", "byte, avx", "fixed, avx", "fixed, byte, avx"],
    ),
    (
        Width::Avx512,
        [
            "avx-512",
            "byte, avx-512",
            "fixed, avx-512",
            "fixed, byte, avx-512",
        ],
    ),
];

/// Each width that this CPU has, for lines and for bytes, as a table and fixed.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Table)> {
    let here = WIDTHS.into_iter().zip(&FIXED);
    here.filter(|((width, _), _)| *width <= Width::detect())
        .flat_map(|((width, names), [line, byte])| {
            let cpu = Cpu::detect();
            let detected = width.table::<Best, Checked>(cpu).unwrap();
            let tables = [detected, width.byte_table::<Checked>(cpu), line, byte];
            names.into_iter().zip(tables)
        })
}

#[test]
fn lines_of_another_size_are_refused() {
    let cpu = Cpu {
        line: 128,
        ..Cpu::detect()
    };
    let refused = Width::Sse2.table::<Best, Checked>(cpu).unwrap_err();
    assert!(matches!(refused, kpmem::Error::LineSize { line: 128, .. }));
}

#[test]
fn the_guard_is_entered_for_large_copies_and_left_again() {
    let size = 3 * GUARDED;
    let (mut dest, source) = (vec![0_u64; size / 8], vec![7_u64; size / 8]);
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
        // Chunks that are flushed are shorter; none is longer.
        ENTERED.set(0);
        // SAFETY: as above.
        unsafe {
            let (dest, src) = (dest.as_mut_ptr().cast(), source.as_ptr().cast());
            table.memcpy_fn()(dest, src, size, Flags::NONTEMPORAL.bits());
            assert!((3..=4).contains(&ENTERED.replace(0)));
            table.memset_fn()(dest, 7, size, Flags::NONTEMPORAL.bits());
            assert!((3..=4).contains(&ENTERED.replace(0)));
            table.memcpy_fn()(dest, src, size, 0);
        }
    }
    assert_eq!(dest, source);
}

/// All of it by vectors, and never more than [`GUARDED`] bytes at a time.
#[test]
fn no_guard_lasts_longer_than_it_may() {
    let arena = Arena::new(8 * GUARDED / PAGE);
    let widths = WIDTHS.into_iter().zip(&COUNTED);
    for ((width, _), tables) in widths.filter(|((width, _), _)| *width <= Width::detect()) {
        for table in tables {
            for (stretches, rest) in [(0, 256), (1, 0), (1, 256), (3, 0), (3, 512)] {
                for op in [Op::Move { src: 4 * GUARDED }, Op::Set { byte: 5 }] {
                    let len = stretches * GUARDED + rest;
                    let case = Case { dest: 0, len, op };
                    for flags in [Flags::NONTEMPORAL, Flags::TEMPORAL, Flags::empty()] {
                        let context = format!("{width:?} {case:?} {flags:?}");
                        ENTERED.set(0);
                        STORED.set(0);
                        arena.scribble(len);
                        let expected = case.expected(&arena.read());
                        call(table, arena, case, flags.bits());
                        assert!(arena.read() == expected, "{context}");
                        let least = len.div_ceil(GUARDED);
                        assert!(ENTERED.get() >= least, "{context}");
                        if flags == Flags::NONTEMPORAL {
                            assert_eq!((ENTERED.get(), STORED.get()), (least, len), "{context}");
                        }
                    }
                }
            }
        }
    }
}
