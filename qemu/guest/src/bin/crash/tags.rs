//! Sheets of forty pieces, each tagged, as databases find a page that was written in part: a sheet
//! counts if all of its tags do.
//!
//! A crash may show any set of the tags, 2^40 of them, and with the mistake any set of the pieces
//! behind them too: what is wrong with that shows in an image with every tag, and not every piece.

use core::sync::atomic::{AtomicUsize, Ordering};

use kpmem_marks::{begin, end};

use crate::region::Region;

const SHEETS: usize = 4;
const PIECES: usize = 40;
/// Bytes of a piece: its tag, then what it stands for.
const SIZE: usize = 64;
const SHEET: usize = PIECES * SIZE;
const CONTENT: usize = 8;

/// The seeded bug: the tags are not held back until what they stand for is durable.
pub const EARLY: &str = "tag-before-content";

/// A recovery that ordinary memory tells what to do: what it reads does not say what comes next.
pub const REMEMBERS: &str = "recovery-remembers";

fn tag(seed: u64, sheet: usize) -> u64 {
    seed << 32 | (sheet as u64 + 1)
}

fn content(sheet: usize, piece: usize) -> u64 {
    ((sheet as u64 + 1) << 32) | (piece as u64 + 1)
}

pub fn run(region: &mut Region, seed: u64, early: bool) {
    for word in 0..SHEETS * SHEET / 8 {
        region.store_word(word * 8, 0);
    }
    region.persist(0, SHEETS * SHEET);
    begin(seed);
    for sheet in 0..SHEETS {
        let pieces = (0..PIECES).map(|piece| (piece, sheet * SHEET + piece * SIZE));
        for (piece, at) in pieces.clone() {
            if early {
                region.store_word(at, tag(seed, sheet));
            }
            region.store_word(at + CONTENT, content(sheet, piece));
        }
        if !early {
            region.persist(sheet * SHEET, SHEET);
            for (_, at) in pieces {
                region.store_word(at, tag(seed, sheet));
            }
        }
        region.persist(sheet * SHEET, SHEET);
        region.claim(sheet * SHEET, SHEET, sheet as u64);
    }
    end();
}

/// 0 if each sheet with all of its tags is whole, and each acknowledged one has them.
pub fn recover(region: &Region, seed: u64, acknowledged: u64, remembers: bool) -> u64 {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let first = match remembers {
        true => RUNS.fetch_add(1, Ordering::Relaxed) % PIECES,
        false => 0,
    };
    for sheet in 0..SHEETS {
        let mut pieces = (first..PIECES).chain(0..first);
        let at = |piece: usize| sheet * SHEET + piece * SIZE;
        let tagged = pieces.all(|piece| region.load_word(at(piece)) == tag(seed, sheet));
        let right = |piece| region.load_word(at(piece) + CONTENT) == content(sheet, piece);
        if tagged && !(0..PIECES).all(right) {
            return 2;
        }
        if !tagged && (sheet as u64) < acknowledged {
            return 1;
        }
    }
    0
}
