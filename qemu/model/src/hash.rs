//! Hashes that change with one line at a time, so that an image's hash costs nothing to keep.
//!
//! The hash of an image is the exclusive-or over all lines of `line(number, content)`; replacing
//! one line's content is two such terms. It is compared with the initial image's, which is 0 by
//! definition.

/// Multiplies to 128 bits and folds: fast and well mixed.
pub const fn mix(a: u64, b: u64) -> u64 {
    let wide = (a ^ 0x9e37_79b9_7f4a_7c15) as u128 * (b ^ 0xd1b5_4a32_d192_ed03) as u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// The term of one line with this content.
pub fn line(number: u32, content: &[u8]) -> u64 {
    let mut hash = mix(u64::from(number), content.len() as u64);
    let mut words = content.chunks_exact(8);
    for (i, word) in words.by_ref().enumerate() {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        hash = mix(hash ^ i as u64, word).wrapping_add(word.rotate_left(32));
    }
    for &byte in words.remainder() {
        hash = mix(hash, u64::from(byte));
    }
    mix(hash, 0x6b70_6d65_6d00_0001)
}

/// A small deterministic generator (SplitMix64; Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator for a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }
}

/// A set of hashes that grows, for dropping duplicates.
#[derive(Debug)]
pub struct Seen {
    slots: Vec<u64>,
    len: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            slots: vec![0; 1 << 12],
            len: 0,
        }
    }
}

impl Seen {
    /// Adds a hash; false if it was there.
    pub fn insert(&mut self, hash: u64) -> bool {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let new = Self::put(&mut self.slots, hash.max(1));
        self.len += usize::from(new);
        new
    }

    /// How many hashes it holds.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True if it holds none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn put(slots: &mut [u64], hash: u64) -> bool {
        let mask = slots.len() - 1;
        let mut at = hash as usize & mask;
        while slots[at] != 0 {
            if slots[at] == hash {
                return false;
            }
            at = (at + 1) & mask;
        }
        slots[at] = hash;
        true
    }

    fn grow(&mut self) {
        let mut slots = vec![0; self.slots.len() * 2];
        for &hash in self.slots.iter().filter(|&&h| h != 0) {
            Self::put(&mut slots, hash);
        }
        self.slots = slots;
    }
}
