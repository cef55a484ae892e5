//! One writes a record and tells the other, which acknowledges it.
//!
//! The mistake: the record is made durable only after the other has been told, and so, if the other
//! is quick, after it was acknowledged.

use core::sync::atomic::Ordering;

use kpmem_marks::Crash;

use super::{APART, Pair, Part, wait_for};
use crate::region::Region;

pub const PAIR: Pair = Pair {
    name: "publish",
    mistake: "published-before-durable",
    size: 2 * APART,
    first,
    second,
    recover,
};

const RECORD: usize = 0;
const RECEIPT: usize = APART;
const VALUE: u64 = 0x1234_5678_9abc_def0;

fn first(me: &mut Part<'_>) {
    me.region.store_word(RECORD, VALUE);
    me.region.store_word(RECORD + 8, !VALUE);
    if !me.mistaken {
        me.region.persist(RECORD, 16);
    }
    me.shared.words[0].store(1, Ordering::Release);
    if me.mistaken {
        me.region.persist(RECORD, 16);
    }
}

fn second(me: &mut Part<'_>) {
    wait_for(&me.shared.words[0], 1);
    me.region.store_word(RECEIPT, VALUE);
    me.region.persist(RECEIPT, 8);
    me.region.claim(RECEIPT, 8, 1);
}

/// 0 if a record that there is a receipt of is there.
fn recover(region: &Region, crash: Crash) -> u64 {
    let receipt = region.load_word(RECEIPT) == VALUE;
    let record = [RECORD, RECORD + 8].map(|at| region.load_word(at)) == [VALUE, !VALUE];
    match (receipt, record) {
        (true, false) => 1,
        (false, _) if crash.claims > 0 => 2,
        _ => 0,
    }
}
