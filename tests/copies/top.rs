//! Ranges that end with the address space: the address behind them is 0, which no plan and no loop
//! may take for one below them. (That no pointer is offset past it, Miri sees.)

use std::{cell::RefCell, marker::PhantomData, ptr::without_provenance_mut};

use kpmem::{
    Byte, Flags, Instruction, Lines, Table,
    tuning::{Stores, Word},
};

use super::strategies::{FLAGS, Forced, InLine, WholeLines, fixed};

thread_local! {
    /// Addresses of words in the order in which they were stored, and of lines.
    static WORDS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static LINES: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

fn note(dest: *mut u64, words: usize) {
    WORDS.with_borrow_mut(|all| all.extend((0..words).map(|i| dest.wrapping_add(i).addr())));
}

/// Loads and stores nothing.
struct Nothing<const CACHED: bool>(PhantomData<()>);

// SAFETY: nothing here must survive a power cut.
unsafe impl<const CACHED: bool> Stores for Nothing<CACHED> {
    const CACHED: bool = CACHED;

    unsafe fn word(dest: *mut u64, _: Word) {
        note(dest, 1);
    }

    unsafe fn block(dest: *mut u64, _: [Word; 4]) {
        note(dest, 4);
    }

    unsafe fn copy_up(dest: *mut u64, _: *const u8, words: usize) {
        note(dest, words);
    }

    unsafe fn copy_down(dest: *mut u64, _: *const u8, words: usize) {
        note(dest, words);
    }

    unsafe fn fill(dest: *mut u64, _: u64, words: usize) {
        note(dest, words);
    }
}

struct Noted;

// SAFETY: as above.
unsafe impl Instruction for Noted {
    const NAME: &'static str = "noted";

    unsafe fn write_back(line: *const u8) {
        LINES.with_borrow_mut(|lines| lines.push(line.addr()));
    }

    fn drain() {}

    unsafe fn write_back_invalidate(_: *const u8) {}
}

/// The address of the last `len` bytes.
fn last(len: usize) -> usize {
    0_usize.wrapping_sub(len)
}

type Both<const PAST: bool> = Forced<Nothing<true>, Nothing<PAST>>;

const fn tables<const CACHED: bool>() -> [Table; 7] {
    [
        Table::of::<Lines<Noted, 64, Both<CACHED>>>(),
        fixed::<Lines<Noted, 64, Both<CACHED>>>(),
        Table::of::<Lines<Noted, 64, InLine<Both<CACHED>>>>(),
        fixed::<Lines<Noted, 64, InLine<Both<CACHED>>>>(),
        Table::of::<Lines<Noted, 64, WholeLines<Both<CACHED>>>>(),
        fixed::<Lines<Noted, 64, WholeLines<Both<CACHED>>>>(),
        Table::of::<Byte<Both<CACHED>>>(),
    ]
}

#[test]
fn copies_and_fills_may_end_with_the_address_space() {
    static TABLES: [[Table; 7]; 2] = [tables::<true>(), tables::<false>()];
    for table in TABLES.as_flattened() {
        for len in [8, 16, 56, 64, 72, 128, 136, 504, 512, 520, 1032, 4096, 4104] {
            let (dest, words) = (last(len), (1..=len / 8).rev().map(|word| last(8 * word)));
            let words: Vec<_> = words.collect();
            let to = without_provenance_mut::<u8>(dest);
            // Overlapping from below, so from the last word to the first; and far away.
            for src in [dest - 8, dest - len / 16 * 8, dest - 8192] {
                for flags in FLAGS {
                    let from = without_provenance_mut(src);
                    // SAFETY: nothing is loaded, nothing is stored.
                    unsafe { table.memmove_fn()(to, from, len, flags.bits()) };
                    verdict(&words, flags, len);
                    // SAFETY: as above.
                    unsafe { table.memset_fn()(to, 1, len, flags.bits()) };
                    verdict(&words, flags, len);
                }
            }
        }
    }
}

fn verdict(expected: &[usize], flags: Flags, len: usize) {
    let (mut words, mut lines) = (WORDS.take(), LINES.take());
    words.sort_unstable();
    assert_eq!(words, expected, "{len} bytes, {flags:?}");
    let lowest = last(len) & !63;
    assert!(lines.iter().all(|line| *line >= lowest), "{lines:x?}");
    let count = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), count, "a line was flushed twice");
}
