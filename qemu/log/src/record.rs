//! One record: its content, which follows from seed and sequence number, and its image.

use crate::{
    WORD,
    hash::{Digest, Stream},
};

/// Bytes before the payload: commit word, sequence number, length, checksum.
pub(crate) const HEADER: usize = 4 * WORD;

/// Shortest payload in bytes.
pub const MIN_PAYLOAD: usize = 16;
/// Longest payload in bytes that a log can be made for.
pub const MAX_PAYLOAD: usize = 512;

/// A record's content.
#[derive(Clone, Debug)]
pub struct Record {
    seq: u64,
    len: usize,
    commit: u64,
    content: Stream,
}

impl Record {
    /// The record that belongs at a place of the log with this seed and longest payload.
    #[must_use]
    pub fn generate(seed: u64, longest: usize, seq: u64) -> Self {
        let mut content = Stream(Stream(seed).next() ^ Stream(!seq).next());
        let first = content.next();
        Self {
            seq,
            len: MIN_PAYLOAD + (first >> 32) as usize % (longest - MIN_PAYLOAD + 1),
            commit: first | 1,
            content,
        }
    }

    /// The word that commits it: never zero, and no other record's, so that nothing stale passes
    /// for it.
    pub(crate) fn commit(&self) -> u64 {
        self.commit
    }

    /// Payload length in bytes.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        self.len
    }

    /// The payload's words; what is past its length is zero.
    pub fn payload(&self) -> impl Iterator<Item = u64> + use<> {
        let (mut content, mut left) = (self.content.clone(), self.len);
        core::iter::from_fn(move || {
            let word = (left > 0).then(|| content.next())?;
            let unused = WORD.saturating_sub(left);
            left = left.saturating_sub(WORD);
            Some(word & u64::MAX >> (8 * unused))
        })
    }

    /// Bytes that it takes in the log.
    #[must_use]
    pub fn size(&self) -> usize {
        HEADER + self.len.next_multiple_of(WORD)
    }

    /// Digest of sequence number and payload.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        let start = Digest::EMPTY.with(self.seq);
        self.payload().fold(start, Digest::with).0
    }

    /// The checksum, if these words are its header (without the commit word) and its payload.
    pub(crate) fn matches(&self, mut words: impl Iterator<Item = u64>) -> Option<u64> {
        let (seq, len, checksum) = (words.next()?, words.next()?, words.next()?);
        let mut digest = Digest::EMPTY.with(self.seq);
        for word in self.payload() {
            digest = digest.with(word);
            if words.next() != Some(word) {
                return None;
            }
        }
        let whole = seq == self.seq && len == self.len as u64 && checksum == digest.0;
        whole.then_some(checksum)
    }

    /// What stands between the commit word and the payload, given the checksum.
    pub(crate) fn header(&self, checksum: u64) -> [u64; 3] {
        [self.seq, self.len as u64, checksum]
    }
}
