//! Durable copies and fills: the bytes are there, no others have changed, nothing behind the source
//! was read, no aligned word was stored in parts (the simulator looks at that), and all of it is
//! durable.

use kpmem_marks::{begin, claim, end};
use kpmem_runtime::{memory, println};

use super::{
    functions::{kpmem_judge_drain, kpmem_judge_memcpy, kpmem_judge_memmove, kpmem_judge_memset},
    place::{Place, Random, boundaries, number},
    source::{self, SOURCE},
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
/// Bytes of the memory that they go to.
const REGION: usize = (1 << 20) - 4096;
/// How far apart source and destination of a move may be.
const APART: usize = i16::MAX as usize;
/// Bytes around a random range that are looked at, too.
const AROUND: usize = 256;
/// Calls with wrong bytes that are told.
const TOLD: usize = 4;

/// Calls, and how they are checked.
struct Trial<'a> {
    place: &'a Place,
    kind: Kind,
    source: &'static [u8],
    /// What the memory should hold.
    shadow: &'static mut [u8],
    told: usize,
}

pub fn run(place: &Place, kind: Kind) {
    let mut random = Random(place.seed);
    let mut trial = Trial {
        place,
        kind,
        source: source::filled(place.seed),
        shadow: memory::allocate(REGION, 16),
        told: 0,
    };
    for offset in 0..2 * place.line {
        trial.call(offset, trial.source.as_ptr(), 0, 0);
    }
    for len in (1..=4 * place.line).step_by(place.step) {
        trial.clear(place.block(2 * place.line));
        begin(len as u64);
        for offset in 0..2 * place.line {
            trial.exhaustive(offset, len);
        }
        end();
    }
    trial.scramble(&mut random);
    begin(0);
    for len in boundaries() {
        trial.at_random(0, len, &mut random);
        trial.at_random(random.below(REGION - len), len, &mut random);
    }
    for _ in 0..CALLS / place.step {
        let (at, len) = place.random(&mut random);
        trial.at_random(at % (REGION - len), len, &mut random);
    }
    end();
    let changed = source::is_changed(trial.source, place.seed);
    if let Some(at) = changed {
        println!("judge source {at:#x}");
    }
}

impl Trial<'_> {
    /// One of all offsets and lengths. Every other source ends where no memory is.
    fn exhaustive(&mut self, offset: usize, len: usize) {
        let block = self.place.block(offset);
        let from = match offset % 2 {
            0 => (offset * 7 + len * 3) % self.place.line,
            _ => SOURCE - len,
        };
        let at = block + offset;
        let call = number(at, len, from as u16);
        self.call(at, self.source[from..].as_ptr(), len, call);
        // The same again, with a word changed in between: it must not be taken for done.
        let word = at.next_multiple_of(8) + len / 16 * 8;
        if (offset + len).is_multiple_of(4) && word + 8 <= at + len {
            // As one store, or it would be taken for a part of the copy that tears the word.
            self.place.store_word(word, [BEFORE; 8]);
            self.call(at, self.source[from..].as_ptr(), len, call);
        }
        let bytes = self.place.bytes(block, 8 * self.place.line);
        let expected = |i: usize| match i.checked_sub(offset) {
            Some(i) if i < len => self.value(from + i, len),
            _ => BEFORE,
        };
        let wrong = (0..bytes.len()).find(|&i| bytes[i] != expected(i));
        self.tell(wrong.map(|i| block + i), call);
        claim(self.place.at(at), len, call);
    }

    fn at_random(&mut self, at: usize, len: usize, random: &mut Random) {
        let call = if self.kind == Kind::Move {
            let near = 2 * len.min(APART);
            let from = (at + random.below(near)).saturating_sub(near / 2);
            let from = from.min(REGION - len);
            self.shadow.copy_within(from..from + len, at);
            let call = number(at, len, from.wrapping_sub(at) as u16);
            self.call(at, self.place.at(from), len, call);
            call
        } else {
            let from = random.below(SOURCE - len);
            for i in 0..len {
                self.shadow[at + i] = self.value(from + i, len);
            }
            let call = number(at, len, from as u16);
            self.call(at, self.source[from..].as_ptr(), len, call);
            call
        };
        let around = at.saturating_sub(AROUND)..(at + len + AROUND).min(REGION);
        let bytes = self.place.bytes(around.start, around.len());
        let wrong = (0..bytes.len()).find(|&i| bytes[i] != self.shadow[around.start + i]);
        self.tell(wrong.map(|i| around.start + i), call);
        claim(self.place.at(at), len, call);
    }

    /// What a byte is to be. A fill takes its value from the length.
    fn value(&self, from: usize, len: usize) -> u8 {
        if self.kind == Kind::Set {
            len as u8 ^ 0x3c
        } else {
            self.source[from]
        }
    }

    /// Sets the first bytes of the memory to what is there before.
    fn clear(&mut self, len: usize) {
        for offset in (0..len).step_by(8) {
            self.place.store_word(offset, [BEFORE; 8]);
        }
        self.shadow.fill(BEFORE);
    }

    /// Fills the memory with random words: moved onto each other, equal bytes would show nothing.
    fn scramble(&mut self, random: &mut Random) {
        for offset in (0..REGION).step_by(8) {
            let word = random.next().to_le_bytes();
            self.place.store_word(offset, word);
            self.shadow[offset..offset + 8].copy_from_slice(&word);
        }
    }

    fn call(&mut self, at: usize, from: *const u8, len: usize, call: u64) {
        let to = self.place.at(at);
        // SAFETY: the range is in the NVDIMM, and the source has as many bytes.
        let returned = unsafe {
            let returned = match self.kind {
                Kind::Copy => kpmem_judge_memcpy(to, from, len, 0),
                Kind::Move => kpmem_judge_memmove(to, from, len, 0),
                // C cuts the value to a byte.
                Kind::Set => {
                    let value = i32::from(len as u8 ^ 0x3c) + [0, 0x100, -0x100][at % 3];
                    kpmem_judge_memset(to, value, len, 0)
                }
            };
            if self.place.drain {
                kpmem_judge_drain();
            }
            returned
        };
        if self.place.returns && returned != to && self.told < TOLD {
            self.told += 1;
            println!("judge returned {call:#x}");
        }
    }

    fn tell(&mut self, wrong: Option<usize>, call: u64) {
        if let Some(at) = wrong
            && self.told < TOLD
        {
            self.told += 1;
            println!("judge content {call:#x} {at:#x}");
        }
    }
}
