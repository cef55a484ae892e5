//! What a device must do with a guest's memory, said once more and without care for speed: bytes in
//! a vector, one at a time. Nothing here is taken from the device or its libraries.

/// The guest's memory: two regions that touch, a hole, and a third.
pub const REGIONS: [(u64, usize); 3] = [(0, 0x1000), (0x1000, 0x1000), (0x3000, 0x1000)];
pub const END: usize = 0x4000;

/// Where a queue is, and how far both sides are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    pub size: u16,
    pub descriptors: u64,
    pub available: u64,
    pub used: u64,
    pub next_available: u16,
    pub next_used: u16,
}

/// What a device's answers were: those that say success, failure, and that something else is
/// wrong; chains without an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub used: u32,
    pub flushed: u32,
    pub failed: u32,
    pub rejected: u32,
    pub unanswered: u32,
    pub synced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub memory: Vec<u8>,
    pub rings: Rings,
    pub broken: bool,
    /// Negative control: the type of a request is not looked at.
    pub careless: bool,
}

struct Chain {
    head: u16,
    flush: bool,
    answer: Option<Vec<u64>>,
}

pub fn exists(address: u64) -> bool {
    let inside = |(start, len): &(u64, usize)| address >= *start && address - start < *len as u64;
    REGIONS.iter().any(inside)
}

impl Model {
    fn bytes(&self, start: u64, len: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for offset in 0..len {
            let address = start
                .checked_add(offset)
                .filter(|address| exists(*address))?;
            bytes.push(self.memory[address as usize]);
        }
        Some(bytes)
    }

    fn number(&self, start: u64, len: u64) -> Option<u64> {
        let bytes = self.bytes(start, len)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    }

    fn set(&mut self, start: u64, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            self.memory[start as usize + offset] = *byte;
        }
    }

    /// What is in the queue; `None` if that is no queue. `sync` may change the memory, and says
    /// whether it succeeded.
    pub fn process(&mut self, sync: impl FnOnce(&mut Self) -> bool) -> Option<Counts> {
        let rings = self.rings;
        let size = u64::from(rings.size);
        for (start, len) in [
            (rings.descriptors, 16 * size),
            (rings.available, 6 + 2 * size),
            (rings.used, 6 + 8 * size),
        ] {
            self.bytes(start, len)?;
        }
        let index = self.number(rings.available + 2, 2)? as u16;
        let pending = index.wrapping_sub(rings.next_available);
        if pending > rings.size {
            return None;
        }
        let mut chains = Vec::new();
        for _ in 0..pending {
            let slot = u64::from(self.rings.next_available % rings.size);
            let head = self.number(rings.available + 4 + 2 * slot, 2)? as u16;
            chains.push(self.chain(head));
            self.rings.next_available = self.rings.next_available.wrapping_add(1);
        }
        let mut counts = Counts::default();
        let asked = |chain: &Chain| chain.flush && chain.answer.is_some();
        if chains.iter().any(asked) && !self.broken {
            counts.synced = true;
            self.broken = !sync(self);
        }
        for chain in chains {
            self.answer(&chain, &mut counts);
        }
        Some(counts)
    }

    fn answer(&mut self, chain: &Chain, counts: &mut Counts) {
        let ret = u32::from(!chain.flush || self.broken);
        if let Some(places) = &chain.answer {
            for (place, byte) in places.iter().zip(ret.to_le_bytes()) {
                self.memory[*place as usize] = byte;
            }
        }
        match (&chain.answer, chain.flush, self.broken) {
            (None, ..) => counts.unanswered += 1,
            (_, false, _) => counts.rejected += 1,
            (_, true, false) => counts.flushed += 1,
            (_, true, true) => counts.failed += 1,
        }
        if chain.head >= self.rings.size {
            return;
        }
        counts.used += 1;
        let slot = u64::from(self.rings.next_used % self.rings.size);
        let len: u32 = if chain.answer.is_some() { 4 } else { 0 };
        let at = self.rings.used + 4 + 8 * slot;
        self.set(at, &u32::from(chain.head).to_le_bytes());
        self.set(at + 4, &len.to_le_bytes());
        self.rings.next_used = self.rings.next_used.wrapping_add(1);
        self.set(self.rings.used + 2, &self.rings.next_used.to_le_bytes());
    }

    /// A chain that is a FLUSH has 4 bytes to read and then 4 or more to write, in 16 descriptors
    /// at most, the last of which says that it is.
    fn chain(&self, head: u16) -> Chain {
        let (mut to_read, mut to_write) = (Vec::new(), Vec::new());
        let (mut read_len, mut total) = (0_u64, 0_u64);
        let (mut in_order, mut ends) = (true, false);
        let (mut table, mut entries, mut next) = (self.rings.descriptors, self.rings.size, head);
        let (mut left, mut indirect, mut seen) = (entries, false, 0);
        while left > 0 && next < entries && seen < 16 {
            let at = table.checked_add(16 * u64::from(next));
            let Some(at) = at.filter(|at| self.bytes(*at, 16).is_some()) else {
                break;
            };
            let number = |offset, len| self.number(at + offset, len).unwrap();
            let (address, len) = (number(0, 8), number(8, 4));
            let flags = number(12, 2);
            if flags & 4 != 0 {
                if indirect || len % 16 != 0 || len / 16 > 0xffff {
                    break;
                }
                (table, entries, next) = (address, (len / 16) as u16, 0);
                (left, indirect) = (entries, true);
                continue;
            }
            total += len;
            if total > u64::from(u32::MAX) {
                break;
            }
            seen += 1;
            left -= 1;
            let places = (0..len.min(4)).map(|offset| address.checked_add(offset));
            if flags & 2 != 0 {
                to_write.extend(places);
            } else {
                in_order &= to_write.is_empty();
                read_len += len;
                to_read.extend(places);
            }
            if flags & 1 == 0 {
                ends = true;
                break;
            }
            next = number(14, 2) as u16;
        }
        let four = |places: Vec<Option<u64>>| -> Option<Vec<u64>> {
            let places = places.get(..4)?.iter().copied();
            places
                .map(|place| place.filter(|place| exists(*place)))
                .collect()
        };
        let kind = four(to_read).filter(|_| read_len == 4).map(|places| {
            let bytes = places.iter().map(|place| self.memory[*place as usize]);
            bytes.map(u32::from).sum::<u32>()
        });
        Chain {
            head,
            flush: in_order && ends && (kind == Some(0) || self.careless && kind.is_some()),
            answer: four(to_write),
        }
    }
}
