//! Copies and fills: every strategy in turn, any overlap, offset and length, each kind of flags;
//! then the claim that the destination is durable.

use core::slice;

use kpmem::{Flags, Map};
use kpmem_marks::{begin, end};
use kpmem_runtime::memory;

use crate::{random::Random, region::Region, strategies};

/// Copies of one run.
const COPIES: u64 = 400;
/// Longest copy in bytes.
const LONGEST: usize = 8192;
/// The part of the region that is used, so that copies meet again.
const AREA: usize = 32 << 10;

const FLAGS: [Flags; 8] = [
    Flags::empty(),
    Flags::NODRAIN,
    Flags::NOFLUSH,
    Flags::TEMPORAL,
    Flags::NONTEMPORAL,
    Flags::WC,
    Flags::WB,
    Flags::NONTEMPORAL.union(Flags::NODRAIN),
];

/// `mutant`: the table under test is one, and the strategies, which are right, are left out.
pub fn run(region: &mut Region, seed: u64, mutant: bool) {
    let mut random = Random(seed);
    let elsewhere = memory::allocate(LONGEST, 8);
    elsewhere.fill_with(|| random.next() as u8);
    let count = if mutant { 1 } else { strategies::COUNT };
    begin(seed);
    for id in 0..COPIES {
        let table = strategies::table(id as usize % count, region.map().table());
        // SAFETY: a part of the region, over a table that the CPU can run.
        let map =
            unsafe { Map::with_table(region.at(0, AREA), AREA, table) }.expect("a sound range");
        let (offset, len) = range(&mut random);
        let (from, _) = range(&mut random);
        let dest = region.at(offset, len);
        let flags = FLAGS[random.below(FLAGS.len())];
        // SAFETY: both ranges are inside the region or the buffer, and nothing else uses either.
        let done = unsafe {
            match random.below(4) {
                0 => map.memset(dest, 0, len, flags),
                1 => map.memset(dest, random.next() as u8, len, flags),
                2 => map.memmove(dest, elsewhere.as_ptr(), len, flags),
                // Near enough to overlap, more often than not.
                _ => map.memmove(
                    dest,
                    region.at(
                        (offset + from % 512).saturating_sub(256).min(AREA - len),
                        len,
                    ),
                    len,
                    flags,
                ),
            }
        };
        done.expect("inside the map");
        if flags.contains(Flags::NODRAIN) {
            map.drain().expect("no page map");
        } else if flags.contains(Flags::NOFLUSH) {
            map.persist(dest, len).expect("inside the map");
        }
        region.claim(offset, len, id);
    }
    end();
}

/// Any offset, and a length that is short half of the time.
fn range(random: &mut Random) -> (usize, usize) {
    let longest = if random.below(2) == 0 { 200 } else { LONGEST };
    let len = random.below(longest + 1);
    (random.below(AREA - len + 1), len)
}

/// Words of the recovered array.
const WORDS: usize = 48;
const STEPS: u64 = 24;

/// A word that a step writes; either half tells the step, so that a torn one is known.
fn word(step: u64, index: usize) -> u64 {
    step << 32 | (step * 1000 + index as u64)
}

/// The range of words that each step writes, by which strategy.
fn steps(seed: u64) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut random = Random(!seed);
    (1..=STEPS).map(move |step| {
        let first = random.below(WORDS);
        (step, first, 1 + random.below((WORDS - first).min(12)))
    })
}

/// Aligned words are copied over older ones; recovery must find each word whole.
pub fn run_words(region: &mut Region, seed: u64, mutant: bool) {
    for index in 0..WORDS {
        region.store_word(index * 8, word(0, index));
    }
    region.persist(0, WORDS * 8);
    let count = if mutant { 1 } else { strategies::COUNT };
    let buffer = memory::allocate(WORDS * 8, 8).as_mut_ptr().cast::<u64>();
    begin(seed);
    for (step, first, len) in steps(seed) {
        // SAFETY: the buffer is as long as the array.
        let source = unsafe { slice::from_raw_parts_mut(buffer, len) };
        for (i, slot) in source.iter_mut().enumerate() {
            *slot = word(step, first + i);
        }
        let table = strategies::table(step as usize % count, region.map().table());
        let dest = region.at(first * 8, len * 8);
        // SAFETY: both are valid for these bytes, and the CPU can run the table.
        unsafe { table.memcpy_fn()(dest, source.as_ptr().cast(), len * 8, 0) };
        region.claim(first * 8, len * 8, step);
    }
    end();
}

/// 0 if each word is whole, not older than what was claimed, and not newer than what may have
/// begun.
pub fn recover_words(region: &Region, seed: u64, claimed: u64) -> u64 {
    let mut oldest = [0; WORDS];
    for (step, first, len) in steps(seed).take(claimed as usize) {
        oldest[first..first + len].fill(step);
    }
    for (index, oldest) in oldest.into_iter().enumerate() {
        let found = region.load_word(index * 8);
        let step = found >> 32;
        if found != word(step, index) {
            return 1;
        }
        if step < oldest {
            return 2;
        }
        if step > claimed + 1 {
            return 3;
        }
    }
    0
}
