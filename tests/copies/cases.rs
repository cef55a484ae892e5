//! The copies that every strategy has to do: in the open, against both guard pages, overlapping by
//! every small distance, of every alignment.

use std::iter;

use super::memory::Arena;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// From this offset of the arena.
    Move { src: usize },
    /// With this byte.
    Set { byte: u8 },
}

/// One call: destination as an offset of the arena, length in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub dest: usize,
    pub len: usize,
    pub op: Op,
}

impl Case {
    /// What the arena holds afterwards, computed byte by byte.
    pub fn expected(self, before: &[u8]) -> Vec<u8> {
        let mut after = before.to_vec();
        for i in 0..self.len {
            after[self.dest + i] = match self.op {
                Op::Move { src } => before[src + i],
                Op::Set { byte } => byte,
            };
        }
        after
    }
}

/// Numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % limit
    }
}

/// Random calls in an arena of at least six pages: lengths to 8 KiB, offsets to 127.
pub fn random(arena: Arena, count: usize, seed: u64) -> impl Iterator<Item = Case> {
    let mut random = Random(seed);
    iter::repeat_with(move || {
        let len = match random.below(4) {
            0 => random.below(32),
            1 => random.below(300),
            2 => 8 * random.below(64),
            _ => random.below(8193),
        };
        let ends = [
            random.below(128),
            arena.at_end(len, random.below(128)),
            arena.at_end(len, 0),
            0,
            4096 + random.below(128),
        ];
        let dest = ends[random.below(ends.len())];
        let near = (dest + random.below(257)).saturating_sub(128);
        let src = match random.below(3) {
            0 => ends[random.below(ends.len())],
            // Overlapping, or just not.
            1 => near.min(arena.at_end(len, 0)),
            _ => 8 * random.below(arena.at_end(len, 0) / 8),
        };
        let op = match random.below(3) {
            0 => Op::Set {
                byte: [0, 0xff, random.below(256) as u8][random.below(3)],
            },
            _ => Op::Move { src },
        };
        Case { dest, len, op }
    })
    .take(count)
}

/// Every offset in a line with every length to two lines, from sources of other alignments,
/// overlapping ones among them.
pub fn small() -> impl Iterator<Item = Case> {
    (0..64).flat_map(|offset| {
        (0..=128).flat_map(move |len| {
            let dest = 512 + offset;
            let sources = [
                dest,
                dest - 1,
                dest + 1,
                dest - 8,
                dest + 8,
                dest - 64,
                dest + 64,
                2048,
                2049 + offset,
            ];
            let moves = sources.map(|src| Op::Move { src });
            let ops = moves
                .into_iter()
                .chain([Op::Set { byte: 0 }, Op::Set { byte: 0xa5 }]);
            ops.map(move |op| Case { dest, len, op })
        })
    })
}
