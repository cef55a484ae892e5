//! A doubly linked list whose updates are made atomic by an undo record, so that recovery has work
//! to do: it rolls back.
//!
//! Nodes are one word each way, spread over lines. An insertion changes two nodes besides its own,
//! a removal two.
//! ```text
//! 0 undo: valid   8 count   16 (offset, old word) * 8   256 head node   then nodes of 64 bytes: next, previous, value
//! ```

use kpmem_marks::{begin, end};

use crate::{random::Random, region::Region};

const VALID: usize = 0;
const COUNT: usize = 8;
const UNDO: usize = 16;
const HEAD: usize = 256;
const NODE: usize = 64;
const NODES: usize = 24;
const STEPS: u64 = 40;

fn node(index: usize) -> usize {
    HEAD + index * NODE
}

const NEXT: usize = 0;
const PREVIOUS: usize = 8;
const VALUE: usize = 16;

/// The value of a node that is in the list; 0 when it is not.
fn value(index: usize) -> u64 {
    index as u64 * 0x0101_0101
}

pub fn run(region: &mut Region, seed: u64, skip_undo: bool) {
    region.store_word(VALID, 0);
    for index in 0..NODES {
        region.store_word(node(index) + VALUE, 0);
    }
    region.store_word(node(0) + NEXT, 0);
    region.store_word(node(0) + PREVIOUS, 0);
    region.persist(0, node(NODES));

    let mut random = Random(seed);
    begin(seed);
    for step in 0..STEPS {
        let index = 1 + random.below(NODES - 1);
        if region.load_word(node(index) + VALUE) == 0 {
            let after = member(region, random.below(NODES));
            insert(region, index, after, skip_undo);
        } else {
            remove(region, index, skip_undo);
        }
        region.claim(0, 0, step);
    }
    end();
}

/// The first node in the list at or below an index; the head always is.
fn member(region: &Region, index: usize) -> usize {
    let is_member = |i: &usize| *i == 0 || region.load_word(node(*i) + VALUE) != 0;
    (0..=index).rev().find(is_member).unwrap_or(0)
}

fn insert(region: &mut Region, index: usize, after: usize, skip_undo: bool) {
    let next = region.load_word(node(after) + NEXT) as usize;
    let changes = [
        (node(index) + NEXT, next as u64),
        (node(index) + PREVIOUS, after as u64),
        (node(index) + VALUE, value(index)),
        (node(after) + NEXT, index as u64),
        (node(next) + PREVIOUS, index as u64),
    ];
    update(region, &changes, skip_undo);
}

fn remove(region: &mut Region, index: usize, skip_undo: bool) {
    let next = region.load_word(node(index) + NEXT);
    let previous = region.load_word(node(index) + PREVIOUS);
    let changes = [
        (node(previous as usize) + NEXT, next),
        (node(next as usize) + PREVIOUS, previous),
        (node(index) + VALUE, 0),
    ];
    update(region, &changes, skip_undo);
}

/// Old words to the undo record, durable; the record valid, durable; the new words, durable; the
/// record invalid, durable.
fn update(region: &mut Region, changes: &[(usize, u64)], skip_undo: bool) {
    for (i, (offset, _)) in changes.iter().enumerate() {
        let old = region.load_word(*offset);
        region.store_word(UNDO + i * 16, *offset as u64);
        region.store_word(UNDO + i * 16 + 8, old);
    }
    region.store_word(COUNT, changes.len() as u64);
    region.persist(COUNT, UNDO - COUNT + changes.len() * 16);
    if !skip_undo {
        region.store_word(VALID, 1);
        region.persist(VALID, 8);
    }
    for (offset, word) in changes {
        region.store_word(*offset, *word);
        region.flush(*offset, 8);
    }
    region.drain();
    region.store_word(VALID, 0);
    region.persist(VALID, 8);
}

/// The seeded bug of recovery: the record is dropped before the old words are durable, so that a
/// crash in recovery leaves neither.
pub const DROPPED: &str = "undo-dropped-first";

/// Rolls back, then walks the list both ways. 0 if it is whole.
pub fn recover(region: &mut Region, drop_first: bool) -> u64 {
    if region.load_word(VALID) != 0 {
        let count = region.load_word(COUNT) as usize;
        if count > 8 {
            return 1;
        }
        for i in 0..count {
            let offset = region.load_word(UNDO + i * 16) as usize;
            if !(HEAD..node(NODES)).contains(&offset) || !offset.is_multiple_of(8) {
                return 2;
            }
            region.store_word(offset, region.load_word(UNDO + i * 16 + 8));
        }
        if !drop_first {
            region.persist(HEAD, node(NODES) - HEAD);
        }
        region.store_word(VALID, 0);
        region.persist(VALID, 8);
        if drop_first {
            region.persist(HEAD, node(NODES) - HEAD);
        }
    }
    let mut at = 0;
    let mut members = 0;
    loop {
        let next = region.load_word(node(at) + NEXT) as usize;
        if next >= NODES || members > NODES {
            return 3;
        }
        if region.load_word(node(next) + PREVIOUS) as usize != at {
            return 4;
        }
        if next == 0 {
            break;
        }
        if region.load_word(node(next) + VALUE) != value(next) {
            return 5;
        }
        members += 1;
        at = next;
    }
    let live = (1..NODES)
        .filter(|i| region.load_word(node(*i) + VALUE) != 0)
        .count();
    if live == members { 0 } else { 6 }
}
