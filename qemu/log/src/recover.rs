//! Reading a log back, from bytes that may hold anything.

use crate::{
    Digest, FIRST, Log, MAGIC, SEED, WORD,
    record::{HEADER, Record, commit_word},
};

/// What is left of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whole records, from the first one on.
    pub records: u64,
    /// 1 if a record was committed but is not whole, or what ends the log is neither a record nor an
    /// end; else 0. Nothing behind it is read.
    pub torn: u64,
    /// Digest of all whole records' payloads.
    pub digest: Digest,
    /// Where to append, unless the memory is no log yet.
    pub log: Option<Log>,
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
    match word(bytes, 0) {
        Some(MAGIC) if word(bytes, SEED) == Some(seed) => {}
        Some(0) => return found,
        _ => return Recovery { torn: 1, ..found },
    }
    let mut end = FIRST;
    loop {
        let record = Record::generate(seed, found.records);
        match word(bytes, end) {
            Some(0) => break,
            Some(word)
                if word == commit_word(seed, found.records) && is_whole(bytes, end, &record) => {}
            _ => {
                found.torn = 1;
                break;
            }
        }
        found.records += 1;
        found.digest = found.digest.with(record.payload());
        end += record.size();
    }
    found.log = Some(Log {
        seed,
        next: found.records,
        end,
    });
    found
}

/// Whether header and payload are those of the record.
fn is_whole(bytes: &[u8], offset: usize, record: &Record) -> bool {
    let body = bytes.get(offset + WORD..).unwrap_or_default();
    let (header, payload) = body.split_at_checked(HEADER - WORD).unwrap_or_default();
    header == record.header() && payload.starts_with(record.payload())
}

fn word(bytes: &[u8], offset: usize) -> Option<u64> {
    let word = bytes.get(offset..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}
