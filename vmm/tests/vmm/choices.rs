//! What a guest puts into its queue, as bytes decide: requests right and wrong, rings anywhere.

use arbitrary::Unstructured;

use super::model::{END, Model, Rings, exists};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// Where things are, mostly.
const AVAILABLE: u64 = 0x200;
const USED: u64 = 0x300;
const REQUESTS: u64 = 0x400;
/// Answers are where two regions touch, so that some span them.
const ANSWERS: u64 = 0xff0;
const TABLES: u64 = 0x3000;

/// Decisions, as long as there are bytes; then always the first choice.
pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.int_in_range(0..=n - 1).unwrap_or(0)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == n - 1
    }

    pub fn any(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub fn address(&mut self) -> u64 {
        let (near, any) = (self.below(END as u64 + 32), self.any());
        self.of(&[near, 0xffe, 0x1ffe, 0x2fff, 0x3ffd, u64::MAX - 2, any])
    }

    pub fn rings(&mut self) -> Rings {
        let size = 1 << self.of(&[4_u64, 3, 2, 1, 0]);
        let mut place = |usual: u64, align: u64| match self.one_in(16) {
            true => self.address() & !(align - 1),
            false => usual,
        };
        let (descriptors, available, used) = (place(0, 16), place(AVAILABLE, 2), place(USED, 4));
        // An available ring at 0 is how the library knows a queue that was reset.
        let available = if available == 0 { AVAILABLE } else { available };
        let start = self.of(&[0, 0xffff, 0xfff8, 0x7fff]);
        Rings {
            size,
            descriptors,
            available,
            used,
            next_available: start,
            next_used: start,
        }
    }

    /// A descriptor, rarely as it was meant.
    fn descriptor(
        &mut self,
        mut address: u64,
        mut len: u32,
        mut flags: u16,
        mut next: u16,
    ) -> [u8; 16] {
        if self.one_in(8) {
            match self.below(4) {
                0 => address = self.address(),
                1 => len = self.of(&[0, 1, 3, 4, 5, 8, 16, 64, 0x1000, u32::MAX]),
                2 => flags ^= self.of(&[NEXT, WRITE, INDIRECT, 7, 0xfff8]),
                _ => next = self.of(&[0, 1, 2, 15, 16, 17, 0xffff]),
            }
        }
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&address.to_le_bytes());
        bytes[8..12].copy_from_slice(&len.to_le_bytes());
        bytes[12..14].copy_from_slice(&flags.to_le_bytes());
        bytes[14..].copy_from_slice(&next.to_le_bytes());
        bytes
    }

    /// A chain at these places, whose descriptors are from `first` on in the table at `table`; how
    /// many they are.
    fn chain(&mut self, model: &mut Model, table: u64, first: u16, number: u64) -> u16 {
        let mut parts = Vec::new();
        for (start, flags) in [(REQUESTS + 4 * number, 0), (ANSWERS + 5 * number, WRITE)] {
            // In one piece, mostly, else a descriptor for each byte.
            if self.one_in(8) {
                parts.extend((0..4).map(|offset| (start + offset, 1, flags)));
            } else {
                parts.push((start, 4, flags));
            }
        }
        let count = parts.len() as u16;
        for (index, (address, len, flags)) in (0_u16..).zip(parts) {
            let flags = if index + 1 < count {
                flags | NEXT
            } else {
                flags
            };
            let next = first + index + 1;
            let bytes = self.descriptor(address, len, flags, next);
            model.put(table.wrapping_add(16 * u64::from(first + index)), &bytes);
        }
        if self.one_in(8) {
            let kind = self.of(&[1_u32, 2, 0x100, u32::MAX]);
            model.put(REQUESTS + 4 * number, &kind.to_le_bytes());
        }
        count
    }

    /// The guest puts chains into the queue.
    pub fn requests(&mut self, model: &mut Model) {
        let rings = model.rings;
        let (count, mut free) = (self.below(u64::from(rings.size) + 1) as u16, 0);
        for number in 0..count {
            let head = free;
            if self.one_in(4) {
                let table = TABLES + 0x80 * u64::from(number);
                let len = self.chain(model, table, 0, number.into());
                let bytes = self.descriptor(table, 16 * u32::from(len), INDIRECT, 0);
                model.put(rings.descriptors.wrapping_add(16 * u64::from(head)), &bytes);
                free += 1;
            } else {
                free += self.chain(model, rings.descriptors, head, number.into());
            }
            let slot = u64::from(rings.next_available.wrapping_add(number) % rings.size);
            let head = match self.one_in(16) {
                true => self.of(&[0, 1, rings.size, 0xffff]),
                false => head,
            };
            model.put(
                rings.available.wrapping_add(4 + 2 * slot),
                &head.to_le_bytes(),
            );
        }
        let mut index = rings.next_available.wrapping_add(count);
        if self.one_in(16) {
            index = self.of(&[0, 1, 0x8000, index.wrapping_sub(1), index.wrapping_add(17)]);
        }
        model.put(rings.available.wrapping_add(2), &index.to_le_bytes());
    }
}

impl Model {
    /// Stores of the guest's, as far as there is memory.
    pub fn put(&mut self, start: u64, bytes: &[u8]) {
        for (offset, byte) in (0..).zip(bytes) {
            if let Some(place) = start.checked_add(offset).filter(|place| exists(*place)) {
                self.memory[place as usize] = *byte;
            }
        }
    }
}
