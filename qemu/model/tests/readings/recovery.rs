//! Random recoveries: what they read next depends on what they have read.

use kpmem_model::explore::Context;
use kpmem_model::hash::{Random, mix};

/// What a simulator sees of one.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// So many bytes are read there.
    Read(usize, usize),
    /// So many bytes are stored there.
    Stored(usize, usize),
}

/// A program without a clock.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    seed: u64,
    /// It reads no more often than that.
    longest: u64,
    /// Every how many steps it stores.
    stores: u64,
    /// What it reads is not seen.
    hidden: bool,
}

impl Recovery {
    /// Any.
    pub fn random(random: &mut Random) -> Self {
        Self {
            seed: random.word(),
            longest: 1 + random.below(5),
            stores: 2 + random.below(4),
            hidden: false,
        }
    }

    /// The same, in the dark.
    pub fn hiding(self) -> Self {
        Self {
            hidden: true,
            ..self
        }
    }

    /// Recovers. The verdict is a hash of all that was read.
    pub fn run(&self, image: &[u8], context: Context, mut see: impl FnMut(Seen)) -> u64 {
        let mut memory = image.to_vec();
        let mut known = mix(self.seed, context.claims);
        for step in 0..self.longest {
            let mut random = Random::new(known);
            let len = [1, 2, 4, 8][random.below(4) as usize];
            // The first line is where most of it happens.
            let room = if random.below(2) == 0 {
                24
            } else {
                memory.len()
            };
            let at = random.below((room - len) as u64 + 1) as usize;
            if step % self.stores == self.stores - 1 {
                memory[at..at + len].fill(known as u8);
                see(Seen::Stored(at, len));
                continue;
            }
            if !self.hidden {
                see(Seen::Read(at, len));
            }
            let bytes = memory[at..at + len].iter();
            known = bytes.fold(known, |known, byte| mix(known, u64::from(*byte)));
            if random.below(8) == 0 {
                break;
            }
        }
        known
    }
}
