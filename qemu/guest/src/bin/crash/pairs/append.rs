//! Both append to a log without a lock: who takes a slot writes its record there. Recovery reads as
//! far as records are whole, so a record counts only once all before it are durable.
//!
//! The mistake: a record is acknowledged when it is durable itself. If the other CPU has taken the
//! slot before and not written it yet, recovery does not get there.

use core::sync::atomic::Ordering;

use kpmem_marks::Crash;

use super::{APART, Pair, Part, wait_for};
use crate::region::Region;

pub const PAIR: Pair = Pair {
    name: "append",
    mistake: "appended-behind-a-gap",
    size: SLOTS * APART,
    first: append_all,
    second: append_all,
    recover,
};

const SLOTS: usize = 2;
/// The next free slot.
const TAIL: usize = 0;
/// The first slot that is not known to be durable, with all before it.
const DURABLE: usize = 1;

fn record(slot: usize) -> [u64; 2] {
    let word = (slot as u64 + 1) << 32 | 7;
    [word, !word]
}

fn append_all(me: &mut Part<'_>) {
    for _ in 0..SLOTS / 2 {
        append(me);
    }
}

fn append(me: &mut Part<'_>) {
    let slot = me.shared.words[TAIL].fetch_add(1, Ordering::AcqRel) as usize;
    let at = slot * APART;
    for (i, word) in record(slot).into_iter().enumerate() {
        me.region.store_word(at + i * 8, word);
    }
    me.region.persist(at, 16);
    let durable = &me.shared.words[DURABLE];
    if me.mistaken {
        durable.fetch_add(1, Ordering::AcqRel);
    } else {
        wait_for(durable, slot as u64);
        durable.store(slot as u64 + 1, Ordering::Release);
    }
    me.region.claim(at, 16, slot as u64);
}

/// 0 if as many records are there as were acknowledged.
fn recover(region: &Region, crash: Crash) -> u64 {
    let whole = |slot: &usize| {
        let at = slot * APART;
        [at, at + 8].map(|at| region.load_word(at)) == record(*slot)
    };
    let records = (0..SLOTS).take_while(whole).count() as u64;
    u64::from(records < crash.claims)
}
