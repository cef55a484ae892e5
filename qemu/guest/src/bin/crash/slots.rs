//! A slot of one line: seven words of payload and the word that commits them, with one persist and
//! no barrier between.
//!
//! x86-64 makes the stores of one line durable in their order, so this holds there. Arm and RISC-V
//! do not.

use kpmem_marks::{begin, end};

use crate::region::Region;

const SLOTS: usize = 16;
const SIZE: usize = 64;
const COMMIT: usize = SIZE - 8;

fn payload(slot: usize, word: usize) -> u64 {
    ((slot as u64 + 1) << 32) | (word as u64 + 1)
}

pub fn run(region: &mut Region, seed: u64) {
    for word in 0..SLOTS * SIZE / 8 {
        region.store_word(word * 8, 0);
    }
    region.persist(0, SLOTS * SIZE);
    begin(seed);
    for slot in 0..SLOTS {
        let start = slot * SIZE;
        for word in 0..7 {
            region.store_word(start + word * 8, payload(slot, word));
        }
        region.store_word(start + COMMIT, 1);
        region.persist(start, SIZE);
        region.claim(start, SIZE, slot as u64);
    }
    end();
}

/// 0 if each committed slot has its payload, and each acknowledged one is committed.
pub fn recover(region: &Region, acknowledged: u64) -> u64 {
    for slot in 0..SLOTS {
        let start = slot * SIZE;
        let committed = region.load_word(start + COMMIT) == 1;
        if !committed && (slot as u64) < acknowledged {
            return 1;
        }
        let whole = (0..7).all(|word| region.load_word(start + word * 8) == payload(slot, word));
        if committed && !whole {
            return 2;
        }
    }
    0
}
