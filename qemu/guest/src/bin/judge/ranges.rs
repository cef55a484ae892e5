//! `persist`, or `flush` and `drain`: what was stored to the range before is durable after.

use kpmem_marks::{begin, claim, end};

use crate::{
    functions::{kpmem_judge_drain, kpmem_judge_flush, kpmem_judge_persist},
    place::{Place, Random, number},
};

/// Random calls, or groups of flushes that share a drain.
const CALLS: usize = 3000;
/// Flushes that share a drain, at most.
const SHARED: usize = 5;

pub fn run(place: &Place, apart: bool) {
    let mut random = Random(place.seed);
    // Of no bytes nothing is promised, but that it returns.
    for offset in 0..2 * place.line {
        make_durable(place, &[(offset, 0)], apart);
    }
    for len in (1..=4 * place.line).step_by(place.step) {
        begin(len as u64);
        for offset in 0..2 * place.line {
            let at = place.block(offset) + offset;
            place.fill(at, len, &mut random);
            make_durable(place, &[(at, len)], apart);
        }
        end();
    }
    begin(0);
    for _ in 0..CALLS / place.step {
        let mut ranges = [(0, 0); SHARED];
        let count = if apart { 1 + random.below(SHARED) } else { 1 };
        for range in &mut ranges[..count] {
            *range = place.random(&mut random);
            place.fill(range.0, range.1, &mut random);
        }
        make_durable(place, &ranges[..count], apart);
    }
    end();
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
    for &(at, len) in ranges.iter().filter(|(_, len)| *len > 0) {
        claim(place.at(at), len, number(at, len, 0));
    }
}
