//! Deep flush by flush hints, as an NFIT says: the bytes are durable before a hint is stored to.
//!
//! No machine of QEMU's has flush hints, so the table is made here, and its hints lie in the
//! NVDIMM, where the simulator sees in which order they and the bytes may become durable. A hint
//! that was stored to is what a device acts on: in no crash image may it be there before its bytes
//! are. Where every store that left the core is durable (`table=byte`), that the store to the hint
//! has left it is claimed, too.

use core::ptr::NonNull;

use kpmem::{Granularity, Hook, Platform, deep::Hints, firmware::nfit::Nfit};
use kpmem_marks::{begin, end};

use crate::{random::Random, region::Region};

const ROUNDS: usize = 16;
/// Bytes of one round, over three lines of 64 bytes or one of 256.
const SIZE: usize = 136;
const SPACE: usize = 256;
/// Offset of the hints, a page.
const HINTS: usize = 1 << 16;

/// A way to get it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The hint is stored to before the fence that completes the flushes.
    HintFirst,
    /// Nothing waits for the store to the hint.
    FenceMissing,
}

impl Mistake {
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "hint-before-fence" => Some(Self::HintFirst),
            "hint-fence-missing" => Some(Self::FenceMissing),
            _ => None,
        }
    }
}

/// An NFIT of a range, a device and its hints.
struct Table {
    bytes: [u8; LEN],
    len: usize,
}

const LEN: usize = 40 + 56 + 48 + 16 + 8 * ROUNDS;
const PERSISTENT: u128 = 0x66f0_d379_b4f3_4074_ac43_0d33_18b7_8cdb;

impl Table {
    fn add(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self
    }

    fn at(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..][..bytes.len()].copy_from_slice(bytes);
    }

    fn new(region: &Region) -> Self {
        let mut table = Self {
            bytes: [0; LEN],
            len: 0,
        };
        table.add(b"NFIT").add(&(LEN as u32).to_le_bytes()).len = 40;
        let (range, mapping, hints) = (40, 40 + 56, 40 + 56 + 48);
        table.at(range, &[0, 0, 56, 0, 1]);
        let guid = PERSISTENT.to_be_bytes();
        table.at(range + 16, &guid);
        table.bytes[range + 16..][..4].reverse();
        table.bytes[range + 20..][..2].reverse();
        table.bytes[range + 22..][..2].reverse();
        let (base, size) = (region.map().address() as u64, region.map().size() as u64);
        table.at(range + 32, &base.to_le_bytes());
        table.at(range + 40, &size.to_le_bytes());
        table.at(mapping, &[1, 0, 48, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1]);
        table.at(
            hints,
            &[6, 0, 16 + 8 * ROUNDS as u8, 0, 7, 0, 0, 0, ROUNDS as u8],
        );
        for round in 0..ROUNDS {
            let address = base + hint(round) as u64;
            table.at(hints + 16 + 8 * round, &address.to_le_bytes());
        }
        let sum = table
            .bytes
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        table.at(9, &[sum]);
        table
    }
}

/// Offset of a round's hint: a line for each.
fn hint(round: usize) -> usize {
    HINTS + round * SPACE
}

fn payload(seed: u64, round: usize, word: usize) -> u64 {
    Random(seed ^ (round << 8 | word) as u64 | 1).next() | 1
}

pub fn run(region: &mut Region, seed: u64, mistake: Option<Mistake>) {
    for round in 0..ROUNDS {
        for word in 0..SIZE / 8 {
            region.store_word(round * SPACE + word * 8, 0);
        }
        region.store_word(hint(round), 0);
    }
    region.persist(0, hint(ROUNDS));
    let table = Table::new(region);
    let platform = Platform::new().with_nfit(Nfit::parse(&table.bytes).expect("a sound table"));
    let range = platform.ranges().next().expect("a persistent range");
    begin(seed);
    for (round, address) in range.flush_hints().expect("hints").enumerate() {
        let start = round * SPACE;
        for word in 0..SIZE / 8 {
            region.store_word(start + word * 8, payload(seed, round, word));
        }
        let register = NonNull::new(address as *mut u64).expect("no hint is at 0");
        deep_flush(region, start, register, mistake);
        region.claim(start, SIZE, 2 * round as u64);
        if region.map().granularity() == Granularity::Byte {
            region.claim(hint(round), 8, 2 * round as u64 + 1);
        }
        // The device has acted on it. Were it left pending, each round would double what recovery
        // can read.
        region.persist(hint(round), 8);
    }
    end();
}

fn deep_flush(region: &Region, start: usize, hint: NonNull<u64>, mistake: Option<Mistake>) {
    // SAFETY: a word of the NVDIMM, which stands in for a register.
    let store = || unsafe { hint.write_volatile(1) };
    match mistake {
        None => {
            // SAFETY: as above.
            let domain = unsafe { Hints::new([hint]) }.expect("a hint");
            if region.map().granularity() == Granularity::Byte {
                region.persist(start, SIZE);
                domain.drain().expect("hints cannot fail");
                return;
            }
            let done = region
                .map()
                .deep_flush(&domain, region.at(start, SIZE), SIZE);
            done.expect("inside the map");
        }
        Some(Mistake::HintFirst) => {
            region.flush(start, SIZE);
            store();
            region.drain();
        }
        Some(Mistake::FenceMissing) => {
            region.persist(start, SIZE);
            store();
        }
    }
}

/// 0 if no hint was stored to before its bytes were durable.
pub fn recover(region: &Region, seed: u64) -> u64 {
    let whole = |round: usize| {
        let word = |word: usize| region.load_word(round * SPACE + word * 8);
        (0..SIZE / 8).all(|at| word(at) == payload(seed, round, at))
    };
    let early = |round: &usize| region.load_word(hint(*round)) != 0 && !whole(*round);
    match (0..ROUNDS).find(early) {
        Some(round) => 1 + round as u64,
        None => 0,
    }
}
