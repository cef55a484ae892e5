//! A record log in persistent memory: what the demo's kernels append to, and what the host reads
//! back.
//!
//! All numbers are little-endian, all offsets multiples of 8.
//!
//! ```text
//! log:     0 magic   8 seed   16 longest payload   24 zero   64 first record ...
//! record:  0 commit  8 sequence number  16 length  24 checksum  32 payload, padded to 8
//! ```
//!
//! A record counts when its commit word is there: one aligned 8-byte store, which a power cut
//! cannot tear, made only after everything else of the record is durable. A zero commit word is the
//! end of the log; each append writes the next one before it commits, so what the memory held
//! before does not matter. Records follow from the seed, so whoever knows it can tell what must be
//! there.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod append;
mod hash;
mod pattern;
mod record;
mod recover;

pub use append::{Full, Log, Memory};
pub use hash::Digest;
pub use pattern::pattern;
pub use record::{MAX_PAYLOAD, MIN_PAYLOAD, Record};
pub use recover::{Recovery, digest, recover};

/// The log's first word.
const MAGIC: u64 = u64::from_le_bytes(*b"kpmemlog");
/// Offset of the seed, and of all that is written before the magic word.
const SEED: usize = 8;
/// Offset of the longest payload's length.
const LONGEST: usize = 16;
/// Offset of the first record.
const FIRST: usize = 64;
/// Bytes in a word.
const WORD: usize = 8;
