//! Durable copies and fills: the bytes are there, no others have changed, no aligned word was
//! stored in parts (the simulator looks at that), and all of it is durable.

use kpmem_guest::println;
use kpmem_marks::{begin, claim, end};

use crate::{
    functions::{kpmem_judge_drain, kpmem_judge_memcpy, kpmem_judge_memmove, kpmem_judge_memset},
    place::{Place, Random, number},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Copy,
    Move,
    Set,
}

/// What is there before.
const BEFORE: u8 = 0xa5;
/// Random calls.
const CALLS: usize = 2000;
/// Longest random copy in bytes.
const LONGEST: usize = 3 * 4096;
/// Calls with wrong bytes that are told.
const TOLD: usize = 4;

pub fn run(place: &Place, kind: Kind) {
    let mut random = Random(place.seed);
    let mut source = [0_u8; 2 * LONGEST];
    source.fill_with(|| random.next() as u8);
    let mut told = 0;
    for len in (1..=4 * place.line).step_by(place.step) {
        clear(place, place.block(2 * place.line));
        begin(len as u64);
        for offset in 0..2 * place.line {
            let block = place.block(offset);
            let from = (offset * 7 + len * 3) % place.line;
            let at = block + offset;
            call(place, kind, at, source[from..].as_ptr(), len);
            let bytes = place.bytes(block, 8 * place.line);
            let expected = |i: usize| match i.checked_sub(offset) {
                Some(i) if i < len => value(kind, &source, from + i, len),
                _ => BEFORE,
            };
            let wrong = (0..bytes.len()).find(|&i| bytes[i] != expected(i));
            tell(wrong.map(|i| block + i), number(at, len, from), &mut told);
            durable(place, at, len, from);
        }
        end();
    }
    clear(place, place.size);
    begin(0);
    let mut expected = [0_u8; LONGEST];
    for _ in 0..CALLS / place.step {
        let len = 1 + random.below(LONGEST);
        let len = if random.below(4) > 0 {
            1 + len % 600
        } else {
            len
        };
        let at = random.below(place.size - len);
        let from = random.below(if kind == Kind::Move { len } else { LONGEST });
        let overlapping = (at + from + len <= place.size).then(|| place.at(at + from));
        let start = match overlapping {
            Some(start) if kind == Kind::Move => start.cast_const(),
            _ => source[from..].as_ptr(),
        };
        if kind == Kind::Move && overlapping.is_some() {
            expected[..len].copy_from_slice(place.bytes(at + from, len));
        } else {
            (0..len).for_each(|i| expected[i] = value(kind, &source, from + i, len));
        }
        call(place, kind, at, start, len);
        let bytes = place.bytes(at, len);
        let wrong = (0..len).find(|&i| bytes[i] != expected[i]);
        tell(wrong.map(|i| at + i), number(at, len, from), &mut told);
        durable(place, at, len, from);
    }
    end();
}

/// What a byte is to be. A fill takes its value from the length.
fn value(kind: Kind, source: &[u8], at: usize, len: usize) -> u8 {
    if kind == Kind::Set {
        len as u8 ^ 0x3c
    } else {
        source[at]
    }
}

/// Sets the first bytes of the memory to what is there before.
fn clear(place: &Place, len: usize) {
    for offset in (0..len).step_by(8) {
        // SAFETY: inside the NVDIMM, aligned.
        unsafe {
            place
                .at(offset)
                .cast::<[u8; 8]>()
                .write_volatile([BEFORE; 8])
        };
    }
}

fn call(place: &Place, kind: Kind, at: usize, from: *const u8, len: usize) {
    let to = place.at(at);
    // SAFETY: the range is in the NVDIMM, and the source has as many bytes.
    unsafe {
        match kind {
            Kind::Copy => kpmem_judge_memcpy(to, from, len, 0),
            Kind::Move => kpmem_judge_memmove(to, from, len, 0),
            Kind::Set => kpmem_judge_memset(to, i32::from(len as u8 ^ 0x3c), len, 0),
        }
        if place.drain {
            kpmem_judge_drain();
        }
    }
}

fn durable(place: &Place, at: usize, len: usize, from: usize) {
    claim(place.at(at), len, number(at, len, from));
}

fn tell(wrong: Option<usize>, call: u64, told: &mut usize) {
    if let Some(at) = wrong
        && *told < TOLD
    {
        *told += 1;
        println!("judge content {call:#x} {at:#x}");
    }
}
