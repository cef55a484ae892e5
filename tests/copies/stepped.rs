//! What the built copies execute, instruction by instruction: exact where a second thread only has
//! a chance to see it.

use std::sync::atomic::{AtomicU32, AtomicU64};

use kpmem::{BYTE, Byte, Fixed, Flags, Granularity, Map, Table, arch::Cpu};

use super::{
    cases::{Case, Op},
    content::call,
    memory::Arena,
    step::{Trace, trace},
    strategies::{FLAGS, all},
};

/// Steps through one call on words.
fn step(table: &Table, arena: Arena, case: Case, flags: Flags) -> Trace {
    arena.scribble(case.len);
    let expected = case.expected(&arena.read());
    let words = expected
        .chunks_exact(8)
        .map(|w| u64::from_ne_bytes(w.try_into().unwrap()));
    let first: *const u64 = arena.at(0).cast();
    let trace = trace(first, words.collect(), || {
        call(table, arena, case, flags.bits());
    });
    assert!(arena.read() == expected);
    trace
}

fn cases() -> impl Iterator<Item = Case> {
    [8, 16, 56, 64, 72, 136, 520].into_iter().flat_map(|len| {
        let dest = 1024 + len % 64;
        let sources = [2048, 2049, dest - 8, dest + 8, dest + 3, dest - 64, 0];
        let moves = sources.map(|src| Op::Move { src });
        let ops = moves
            .into_iter()
            .chain([Op::Set { byte: 0 }, Op::Set { byte: 7 }]);
        ops.map(move |op| Case { dest, len, op })
    })
}

/// The negative control.
#[test]
fn a_copy_by_halves_is_torn() {
    let arena = Arena::new(1);
    let first: *mut u32 = arena.at(0).cast();
    let trace = trace(first.cast(), vec![u64::MAX], || {
        // SAFETY: a word of the arena.
        unsafe {
            first.write_volatile(u32::MAX);
            first.add(1).write_volatile(u32::MAX);
        }
    });
    assert!(trace.torn > 0);
}

/// No instruction stores a part of a word, also where words overlap and where a head or tail is
/// exactly one word.
#[test]
fn whole_words_each_line_once_one_fence() {
    let arena = Arena::new(1);
    // The stand-in of `movdir64b` is a signal handler, which the trap flag does not follow.
    let tables = all().into_iter().filter(|(name, _)| *name != "movdir64b");
    for (name, table) in tables {
        for (i, case) in cases().enumerate() {
            for flags in [FLAGS[i % FLAGS.len()], FLAGS[(i + 4) % FLAGS.len()]] {
                let trace = step(table, arena, case, flags);
                let context = format!("{name}: {case:?} {flags:?}: {trace:?}");
                assert_eq!(trace.torn, 0, "{context}");
                let own = table.granularity() == Granularity::Page;
                let drains = !own && !flags.intersects(Flags::NODRAIN | Flags::NOFLUSH);
                assert_eq!(trace.fences, usize::from(drains), "{context}");
                let lines = (case.dest + case.len - 1) / 64 - case.dest / 64 + 1;
                let most = match table.granularity() {
                    Granularity::CacheLine if !flags.contains(Flags::NOFLUSH) => lines,
                    _ => 0,
                };
                assert!(trace.flushes <= most, "{context}");
                // Asked to go through the cache, a copy has every line written back.
                if flags.contains(Flags::TEMPORAL) && table.line() == 64 {
                    assert_eq!(trace.flushes, lines, "{context}");
                }
            }
        }
    }
}

/// What [`Map::write`] says of small values: one store where they are aligned to their size, else
/// they may be seen in part. [`Map::store`] takes only the former.
#[test]
fn only_what_is_no_integer_is_torn() {
    fn torn(at: usize, len: usize, write: impl Fn(&Map<Fixed<Byte>>, *mut u8)) -> bool {
        let arena = Arena::new(1);
        let mut new = [0; 8];
        new[at..at + len].fill(0xff);
        let first = arena.at(0);
        // SAFETY: the arena is ours.
        let map = unsafe { Map::fixed(first, 8) }.unwrap();
        let trace = trace(first.cast(), vec![u64::from_ne_bytes(new)], || {
            write(&map, first.wrapping_add(at));
        });
        assert_eq!(arena.read()[..8], new);
        trace.torn > 0
    }
    // SAFETY: inside the map, and aligned.
    unsafe {
        assert!(torn(2, 4, |map, at| map
            .write(at.cast(), [0xff_u8; 4])
            .unwrap()));
        assert!(torn(2, 6, |map, at| map
            .write(at.cast(), [0xffff_u16; 3])
            .unwrap()));
        assert!(!torn(4, 4, |map, at| map
            .write(at.cast(), u32::MAX)
            .unwrap()));
        assert!(!torn(2, 2, |map, at| map
            .write(at.cast(), u16::MAX)
            .unwrap()));
        assert!(!torn(0, 8, |map, at| map
            .write(at.cast(), [0xff_u8; 8])
            .unwrap()));
        assert!(!torn(4, 4, |map, at| map
            .store(AtomicU32::from_ptr(at.cast()), u32::MAX)
            .unwrap()));
        assert!(!torn(0, 8, |map, at| map
            .store(AtomicU64::from_ptr(at.cast()), u64::MAX)
            .unwrap()));
    }
}

/// A value of eight bytes is a handful of instructions, one of which stores.
#[test]
fn a_word_is_cheap() {
    let arena = Arena::new(1);
    let case = Case {
        dest: 64,
        len: 8,
        op: Op::Move { src: 256 },
    };
    for table in [Cpu::detect().table().unwrap(), &BYTE] {
        let trace = step(table, arena, case, Flags::empty());
        assert_eq!((trace.fences, trace.flushes), (1, 0));
        println!("{}: {} instructions", table.name(), trace.instructions);
        assert!(
            cfg!(debug_assertions) || trace.instructions < 100,
            "{trace:?}"
        );
    }
}
