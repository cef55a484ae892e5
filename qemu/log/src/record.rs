//! One record: its content, which follows from seed and sequence number, and its image.

use crate::{
    WORD,
    hash::{Digest, Stream},
};

/// Bytes before the payload: commit word, sequence number, length, checksum.
pub(crate) const HEADER: usize = 4 * WORD;

const MIN_PAYLOAD: usize = 16;
/// Longest payload in bytes.
pub const MAX_PAYLOAD: usize = 512;

/// A record's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    seq: u64,
    len: usize,
    payload: [u8; MAX_PAYLOAD],
}

impl Record {
    /// The record that belongs at a place of the log with this seed.
    #[must_use]
    pub fn generate(seed: u64, seq: u64) -> Self {
        let mut stream = stream(seed, seq);
        let len = MIN_PAYLOAD + stream.next() as usize % (MAX_PAYLOAD - MIN_PAYLOAD + 1);
        let mut payload = [0; MAX_PAYLOAD];
        for word in payload[..len].chunks_mut(WORD) {
            word.copy_from_slice(&stream.next().to_le_bytes()[..word.len()]);
        }
        Self { seq, len, payload }
    }

    /// Its content.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload[..self.len]
    }

    /// Bytes that it takes in the log.
    #[must_use]
    pub fn size(&self) -> usize {
        HEADER + self.len.next_multiple_of(WORD)
    }

    /// What stands between the commit word and the payload.
    pub(crate) fn header(&self) -> [u8; HEADER - WORD] {
        let mut header = [0; HEADER - WORD];
        let sum = Digest::EMPTY
            .with(&self.seq.to_le_bytes())
            .with(self.payload());
        for (field, value) in header
            .chunks_exact_mut(WORD)
            .zip([self.seq, self.len as u64, sum.0])
        {
            field.copy_from_slice(&value.to_le_bytes());
        }
        header
    }
}

/// The commit word of a record: never zero, and no other record's, so that nothing stale passes for it.
pub(crate) fn commit_word(seed: u64, seq: u64) -> u64 {
    stream(!seed, seq).next() | 1
}

fn stream(seed: u64, seq: u64) -> Stream {
    Stream(Stream(seed).next() ^ Stream(!seq).next())
}
