//! One overwrites a record in place; the other copies it to where it stays. A version number is odd
//! while the record is written, and tells the reader whether it has read one record or parts of
//! two (a sequence lock).
//!
//! The mistake: the reader looks at the version before it reads, and not again after. What it
//! copies is wrong if the writer is stopped between two records and then the reader between two
//! words: two preemptions.

use core::sync::atomic::{AtomicU64, Ordering, fence};

use kpmem_marks::Crash;

use super::{APART, Pair, Part};
use crate::region::Region;

pub const PAIR: Pair = Pair {
    name: "archive",
    mistake: "read-without-looking-again",
    size: 2 * APART,
    first: write,
    second: archive,
    recover,
};

const RECORD: usize = 0;
const ARCHIVE: usize = APART;
const RECORDS: u64 = 2;

fn write(me: &mut Part<'_>) {
    let version = &me.shared.words[0];
    for record in 1..=RECORDS {
        version.store(2 * record - 1, Ordering::Relaxed);
        fence(Ordering::Release);
        me.region.store_word(RECORD, record);
        me.region.store_word(RECORD + 8, record);
        version.store(2 * record, Ordering::Release);
    }
}

fn archive(me: &mut Part<'_>) {
    let version = &me.shared.words[0];
    let words = loop {
        let before = settled(version);
        let words = [RECORD, RECORD + 8].map(|at| me.region.load_word(at));
        fence(Ordering::Acquire);
        if me.mistaken || version.load(Ordering::Relaxed) == before {
            break words;
        }
    };
    for (i, word) in words.into_iter().enumerate() {
        me.region.store_word(ARCHIVE + i * 8, word);
    }
    me.region.persist(ARCHIVE, 16);
    me.region.claim(ARCHIVE, 16, 1);
}

/// The version of a record that is whole.
fn settled(version: &AtomicU64) -> u64 {
    loop {
        let now = version.load(Ordering::Acquire);
        if now != 0 && now.is_multiple_of(2) {
            return now;
        }
        kpmem_runtime::smp::relax();
    }
}

/// 0 if what is in the archive was one record.
fn recover(region: &Region, crash: Crash) -> u64 {
    let words = [ARCHIVE, ARCHIVE + 8].map(|at| region.load_word(at));
    u64::from(crash.claims > 0 && (words[0] == 0 || words[0] != words[1]))
}
