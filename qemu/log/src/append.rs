//! Writing.

use crate::{
    FIRST, LONGEST, MAGIC, SEED, WORD,
    record::{MAX_PAYLOAD, MIN_PAYLOAD, Record},
};

/// The persistent memory that a log is in. Offsets are in bytes from its start.
pub trait Memory {
    /// Length in bytes.
    fn size(&self) -> usize;

    /// Stores an aligned word by one instruction: not yet durable.
    fn store_word(&mut self, offset: usize, word: u64);

    /// Makes a range durable before it returns.
    fn persist(&mut self, offset: usize, len: usize);
}

/// There is no room for the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A log's end: where the next record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    pub(crate) seed: u64,
    pub(crate) longest: usize,
    pub(crate) next: u64,
    pub(crate) end: usize,
}

impl Log {
    /// Makes the memory an empty log of records with payloads of up to `longest` bytes, whatever it
    /// held.
    ///
    /// # Panics
    /// If `longest` is not from [`MIN_PAYLOAD`] to [`MAX_PAYLOAD`].
    pub fn format(seed: u64, longest: usize, memory: &mut impl Memory) -> Result<Self, Full> {
        assert!((MIN_PAYLOAD..=MAX_PAYLOAD).contains(&longest));
        if memory.size() < FIRST + WORD {
            return Err(Full);
        }
        // Until the new magic word is durable there is no log: never the old one with a new seed.
        commit(memory, 0, 0);
        for offset in (SEED..FIRST + WORD).step_by(WORD) {
            memory.store_word(offset, 0);
        }
        memory.store_word(SEED, seed);
        memory.store_word(LONGEST, longest as u64);
        memory.persist(SEED, FIRST + WORD - SEED);
        commit(memory, 0, MAGIC);
        Ok(Self {
            seed,
            longest,
            next: 0,
            end: FIRST,
        })
    }

    /// Sequence number of the next record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Appends the next record and gives its sequence number: it is durable when this returns.
    pub fn append(&mut self, memory: &mut impl Memory) -> Result<u64, Full> {
        let record = Record::generate(self.seed, self.longest, self.next);
        let end = self.end + record.size();
        if end + WORD > memory.size() {
            return Err(Full);
        }
        let header = record.header(record.checksum());
        for (i, word) in header.into_iter().chain(record.payload()).enumerate() {
            memory.store_word(self.end + WORD + i * WORD, word);
        }
        memory.store_word(end, 0);
        memory.persist(self.end + WORD, end - self.end);
        commit(memory, self.end, record.commit());

        let seq = self.next;
        (self.next, self.end) = (seq + 1, end);
        Ok(seq)
    }
}

fn commit(memory: &mut impl Memory, offset: usize, word: u64) {
    memory.store_word(offset, word);
    memory.persist(offset, WORD);
}
