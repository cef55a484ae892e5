//! Reading a log back, from bytes that may hold anything.

use crate::{
    Digest, FIRST, LONGEST, Log, MAGIC, SEED, WORD,
    record::{MAX_PAYLOAD, MIN_PAYLOAD, Record},
};

/// What is left of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whole records, from the first one on.
    pub records: u64,
    /// 1 if a record was committed but is not whole, or what ends the log is neither a record nor
    /// an end; else 0. Nothing behind it is read.
    pub torn: u64,
    /// Digest of all whole records' checksums: see [`digest`].
    pub digest: Digest,
    /// Where to append, unless the memory is no log yet.
    pub log: Option<Log>,
}

/// The digest that [`recover`] finds in a log of that many whole records.
#[must_use]
pub fn digest(seed: u64, longest: usize, records: u64) -> Digest {
    let checksums = (0..records).map(|seq| Record::generate(seed, longest, seq).checksum());
    checksums.fold(Digest::EMPTY, Digest::with)
}

/// Reads the log of a seed. Any bytes will do: each step goes forward or ends.
#[must_use]
pub fn recover(bytes: &[u8], seed: u64) -> Recovery {
    let mut found = Recovery {
        records: 0,
        torn: 0,
        digest: Digest::EMPTY,
        log: None,
    };
    let word = |offset| word(bytes, offset);
    let longest = match word(0) {
        Some(MAGIC) if word(SEED) == Some(seed) => word(LONGEST).unwrap_or(0) as usize,
        Some(0) => return found,
        _ => 0,
    };
    if !(MIN_PAYLOAD..=MAX_PAYLOAD).contains(&longest) {
        found.torn = 1;
        return found;
    }
    let mut end = FIRST;
    loop {
        let commit = word(end);
        if commit == Some(0) {
            break;
        }
        let record = Record::generate(seed, longest, found.records);
        let whole = (commit == Some(record.commit()))
            .then(|| checksum(bytes, end, &record))
            .flatten();
        let Some(checksum) = whole else {
            found.torn = 1;
            break;
        };
        found.records += 1;
        found.digest = found.digest.with(checksum);
        end += record.size();
    }
    found.log = Some(Log {
        seed,
        longest,
        next: found.records,
        end,
    });
    found
}

/// The record's checksum, if it is whole.
fn checksum(bytes: &[u8], offset: usize, record: &Record) -> Option<u64> {
    let (words, _) = bytes
        .get(offset + WORD..offset + record.size())?
        .as_chunks();
    record.matches(words.iter().copied().map(u64::from_le_bytes))
}

fn word(bytes: &[u8], offset: usize) -> Option<u64> {
    let word = bytes.get(offset..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}
