//! The persistent memory, the numbers of calls, and a random source.

use core::slice;

use kpmem_marks::MAILBOX;
use kpmem_runtime::Machine;

/// Where calls go.
#[derive(Debug)]
pub struct Place {
    pub base: *mut u8,
    pub size: usize,
    pub line: usize,
    pub drain: bool,
    pub seed: u64,
    /// Copies are to return their destination.
    pub returns: bool,
    /// Every n-th length is tried, and as many fewer random calls.
    pub step: usize,
}

impl Place {
    pub fn new(machine: &Machine) -> Self {
        let number = |key, default| machine.args.number(key).unwrap_or(default);
        Self {
            base: machine.address(),
            size: machine.size() - MAILBOX,
            line: number("line", 64) as usize,
            drain: number("drain", 0) == 1,
            seed: number("seed", 1),
            returns: number("returns", 0) == 1,
            step: number("step", 1).max(1) as usize,
        }
    }

    /// Calls of one length, each with lines of its own: address of the call's range by its offset.
    /// Two lines of offsets, and six for what is longer.
    pub fn block(&self, offset: usize) -> usize {
        offset * 8 * self.line
    }

    /// Where a random range lies: most are short, as in real programs, and some very long.
    pub fn random(&self, random: &mut Random) -> (usize, usize) {
        let longest = match random.below(100) {
            0 => 200 << 10,
            1..=25 => 3 * 4096,
            _ => 300,
        };
        let len = 1 + random.below(longest);
        (random.below(self.size - len), len)
    }

    pub fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.size);
        self.base.wrapping_add(offset)
    }

    /// The bytes of a range. Nobody else may store to it while they are looked at.
    pub fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        assert!(offset <= self.size && len <= self.size - offset);
        // SAFETY: inside the NVDIMM, which is mapped.
        unsafe { slice::from_raw_parts(self.base.wrapping_add(offset), len) }
    }

    /// Stores an aligned word by one instruction.
    pub fn store_word(&self, offset: usize, bytes: [u8; 8]) {
        let to = self.at(offset).cast::<u64>();
        assert!(to.is_aligned());
        // SAFETY: inside the NVDIMM, and aligned.
        unsafe { to.write_volatile(u64::from_ne_bytes(bytes)) };
    }

    /// Stores random bytes that are not there yet, word by word.
    pub fn fill(&self, offset: usize, len: usize, random: &mut Random) {
        let mut done = 0;
        while done < len {
            let word = random.next();
            let to = self.at(offset + done);
            if to.align_offset(8) == 0 && len - done >= 8 {
                self.store_word(offset + done, word.to_le_bytes());
                done += 8;
            } else {
                let byte = word as u8;
                // SAFETY: inside the NVDIMM. What is there already would hide that it is lost.
                unsafe {
                    let same = to.read_volatile() == byte;
                    to.write_volatile(if same { !byte } else { byte });
                }
                done += 1;
            }
        }
    }
}

/// The number of a call in its claim: where and how long, and for copies the low bits of where
/// from.
pub fn number(offset: usize, len: usize, from: u16) -> u64 {
    assert!(offset < 1 << 24 && len < 1 << 24);
    (offset as u64) << 40 | (len as u64) << 16 | u64::from(from)
}

/// Lengths at which counters overflow and strategies begin: powers of two, a page's threes, and one
/// more and less.
pub fn boundaries() -> impl Iterator<Item = usize> {
    let powers = (7..=17).map(|n| 1 << n);
    powers
        .chain([3 * 4096, 7 * 4096])
        .flat_map(|n| [n - 1, n, n + 1])
}

/// SplitMix64.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}
