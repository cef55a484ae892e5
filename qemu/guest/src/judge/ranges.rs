//! `persist`, or `flush` and `drain`: what was stored to the range before is durable after.

use kpmem_marks::{begin, claim, end};

use super::{
    functions::{kpmem_judge_drain, kpmem_judge_flush, kpmem_judge_persist},
    place::{Place, Random, boundaries, number},
};

/// Random calls, or groups of flushes that share a drain.
const CALLS: usize = 3000;
/// Flushes that share a drain, at most.
const SHARED: usize = 5;
/// Ranges that come again.
const RECENT: usize = 8;

pub fn run(place: &Place, apart: bool) {
    let mut random = Random(place.seed);
    // The first call of all is a long one: what is set up then must not be in its way.
    begin(0);
    once(
        place,
        &[(place.line - 1, 9 * place.line)],
        apart,
        &mut random,
    );
    for len in boundaries() {
        once(place, &[(0, len)], apart, &mut random);
        let at = random.below(place.size - len);
        once(place, &[(at, len)], apart, &mut random);
    }
    end();
    // Of no bytes nothing is promised, but that it returns.
    for offset in 0..2 * place.line {
        make_durable(place, &[(offset, 0)], apart);
    }
    for len in (1..=4 * place.line).step_by(place.step) {
        begin(len as u64);
        for offset in 0..2 * place.line {
            let range = [(place.block(offset) + offset, len)];
            once(place, &range, apart, &mut random);
            // The same again, as a counter is: it must not be taken for done.
            if (offset + len).is_multiple_of(4) {
                once(place, &range, apart, &mut random);
            }
        }
        end();
    }
    begin(0);
    let mut recent = [(0, 1); RECENT];
    for call in 0..CALLS / place.step {
        let mut ranges = [(0, 0); SHARED];
        let count = if apart { 1 + random.below(SHARED) } else { 1 };
        for range in &mut ranges[..count] {
            *range = match random.below(4) {
                0 => recent[random.below(RECENT)],
                _ => place.random(&mut random),
            };
        }
        once(place, &ranges[..count], apart, &mut random);
        recent[call % RECENT] = ranges[0];
    }
    end();
}

/// Stores to ranges, makes them durable and says so.
fn once(place: &Place, ranges: &[(usize, usize)], apart: bool, random: &mut Random) {
    for &(at, len) in ranges {
        place.fill(at, len, random);
    }
    make_durable(place, ranges, apart);
    for &(at, len) in ranges {
        claim(place.at(at), len, number(at, len, 0));
    }
}

fn make_durable(place: &Place, ranges: &[(usize, usize)], apart: bool) {
    for &(at, len) in ranges {
        // SAFETY: the range is in the NVDIMM, which is mapped write-back.
        unsafe {
            if apart {
                kpmem_judge_flush(place.at(at), len);
            } else {
                kpmem_judge_persist(place.at(at), len);
            }
        }
    }
    if place.drain {
        // SAFETY: it takes no arguments.
        unsafe { kpmem_judge_drain() };
    }
}
