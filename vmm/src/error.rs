//! What can be wrong.

use std::io;

/// Why a range was not made durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part of the range is in no region. Nothing was made durable.
    #[error(
        "there is no memory at guest address {address:#x}, which the {len:#x} bytes at {start:#x} \
         reach"
    )]
    Hole {
        /// The first such address.
        address: u64,
        /// Where the range begins.
        start: u64,
        /// Its length in bytes.
        len: usize,
    },
    /// A part of the range is in a region that cannot be made durable. Nothing was made durable.
    #[error("the memory at guest address {address:#x} is not persistent: {why}")]
    NotPersistent {
        /// The first such address.
        address: u64,
        /// Why it cannot.
        why: Volatile,
    },
    /// The range is not inside the mapping. Nothing was made durable.
    #[error("{len:#x} bytes at {offset:#x} are not inside a mapping of {size:#x} bytes")]
    Outside {
        /// Where the range begins in the mapping.
        offset: usize,
        /// Its length in bytes.
        len: usize,
        /// The mapping's.
        size: usize,
    },
    /// The mapping is there to be read only. Nothing was stored.
    #[error("a mapping that is there to be read only cannot be written to")]
    ReadOnly,
    /// The host could not sync. What of it is durable is not known, and a later sync that succeeds
    /// does not say that it is: Linux drops what it could not write.
    #[error("cannot sync {len:#x} bytes at {offset:#x} of the mapping: {source}")]
    Sync {
        /// Where the range begins in the mapping.
        offset: usize,
        /// Its length in bytes.
        len: usize,
        /// What the system says.
        source: io::Error,
    },
    /// The CPU's flush functions were refused a range.
    #[error(transparent)]
    Lines(#[from] kpmem::Error),
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Sync { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// Why no sync makes a region durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Volatile {
    /// It is a private mapping: stores reach no file.
    #[error("it is a private mapping, whose stores reach no file")]
    Private,
    /// There is no file behind it, that is known of.
    #[error("there is no file behind it")]
    Anonymous,
    /// The file is in a file system that is itself in memory.
    #[error("its file is in memory: {0}")]
    InMemory(&'static str),
    /// The file ends inside of the region: what is stored behind its end is lost.
    #[error("its file ends at byte {file:#x}, and the region reaches to byte {region:#x}")]
    PastEnd {
        /// Where the file ends, in bytes.
        file: u64,
        /// Where the region does, in the file.
        region: u64,
    },
    /// The file system could not be asked.
    #[error("its file system does not say what it is: {0}")]
    Unknown(io::ErrorKind),
    /// The caller gave no mapping for it.
    #[error("it was given no mapping")]
    NotGiven,
}

/// Why a device was not made, or its queue not processed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The guest's range is empty, wraps, or does not begin and end with a page.
    #[error("the {size:#x} bytes at guest address {start:#x} are no range for a device: {problem}")]
    Range {
        /// Where it would begin.
        start: u64,
        /// Its length in bytes.
        size: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The queue is not ready, or not wholly inside the guest's memory. Nothing was done; the
    /// device should say that it needs a reset.
    #[error("the guest's queue is not ready, or not inside its memory")]
    QueueNotValid,
    /// The guest does with the queue what the specification forbids. The device should say that it
    /// needs a reset.
    #[error("the guest's queue: {0}")]
    Queue(virtio_queue::Error),
}
