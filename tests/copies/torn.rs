//! A second thread must never see a part of an aligned word, whatever the strategy.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use kpmem::{Byte, Dispatch, Fixed, Lines, Map, MemmoveFn, arch::LineCopies};

use super::{
    memory::Arena,
    strategies::{Best, FLAGS, all},
};

/// Bytes that are copied; the odd lengths leave head and tail of exactly one word.
const LENGTHS: [usize; 6] = [8, 16, 64, 72, 264, 1032];
const WATCHED: usize = 1032;

/// Copies words of equal bytes to and fro for a while, and says whether another thread saw a word
/// of unequal ones.
fn sees_a_part(store: impl Fn(*mut u8, *const u8, usize, usize), enough: Duration) -> bool {
    let (dest, sources) = (Arena::new(1), [Arena::new(1), Arena::new(1)]);
    for (source, byte) in sources.iter().zip([0x00, 0xff]) {
        // SAFETY: all of the arena.
        unsafe { source.at(0).write_bytes(byte, source.size()) };
    }
    let (stop, torn) = (AtomicBool::new(false), AtomicBool::new(false));
    let first = dest.at(8).addr();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for at in (0..WATCHED).step_by(8) {
                    let word = std::ptr::with_exposed_provenance::<AtomicU64>(first + at);
                    // SAFETY: the arena is never unmapped, and its words are aligned.
                    let word = unsafe { (*word).load(Ordering::Relaxed) };
                    if word != 0 && word != u64::MAX {
                        torn.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        let begin = Instant::now();
        let mut round = 0;
        while begin.elapsed() < enough && !torn.load(Ordering::Relaxed) {
            for len in LENGTHS {
                round += 1;
                store(dest.at(8), sources[round % 2].at(8), len, round);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    torn.into_inner()
}

#[test]
fn no_strategy_shows_a_part_of_a_word() {
    for (name, table) in all() {
        let (memmove, memset): (MemmoveFn, _) = (table.memmove_fn(), table.memset_fn());
        let store = |dest: *mut u8, src: *const u8, len, round: usize| {
            let flags = FLAGS[round / 2 % FLAGS.len()].bits();
            // SAFETY: inside both arenas.
            unsafe {
                if round % 3 == 0 {
                    memset(dest, src.read().into(), len, flags);
                } else {
                    memmove(dest, src, len, flags);
                }
            }
        };
        assert!(!sees_a_part(store, Duration::from_millis(150)), "{name}");
    }
}

/// One by one, as an atomic or as a plain value; by a table and by primitives in line.
#[test]
fn a_map_stores_words_whole() {
    fn whole<D: Dispatch>(map: unsafe fn(*mut u8, usize) -> Result<Map<D>, kpmem::Error>) {
        let store = |dest: *mut u8, src: *const u8, len, round: usize| {
            // SAFETY: inside both arenas; only atomics read the destination meanwhile.
            unsafe {
                let map = map(dest, len).unwrap();
                for at in (0..len).step_by(8) {
                    let (word, value) = (dest.add(at).cast::<u64>(), src.cast::<u64>().read());
                    if round % 3 == 0 {
                        map.write(word, value).unwrap();
                    } else {
                        map.store(AtomicU64::from_ptr(word), value).unwrap();
                    }
                }
            }
        };
        assert!(!sees_a_part(store, Duration::from_millis(150)));
    }
    type Line = Lines<Best, 64, LineCopies>;
    whole(Map::<Fixed<Line>>::fixed);
    whole(Map::<Fixed<Byte>>::fixed);
    whole(|base, len| {
        // SAFETY: the caller's.
        unsafe { Map::with_table(base, len, const { &kpmem::Table::of::<Line>() }) }
    });
}

/// The negative control: a copy by halves of words, as PMDK's of 8 bytes is on x86, must be seen.
#[test]
fn halves_of_words_are_seen() {
    let halves = |dest: *mut u8, src: *const u8, len, _| {
        for at in (0..len).step_by(4) {
            // SAFETY: inside both arenas.
            unsafe {
                dest.add(at)
                    .cast::<u32>()
                    .write_volatile(src.add(at).cast::<u32>().read())
            };
        }
    };
    assert!(sees_a_part(halves, Duration::from_secs(20)));
}
