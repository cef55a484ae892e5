//! What the contract and audit oracles find.

use crate::event::Cpu;

/// How a claim is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A claimed store may still be lost, and no flush by anyone covers it.
    NotFlushed,
    /// It is flushed (or in a draining buffer), but the CPU that did it has not waited for it.
    NotFenced,
    /// It is flushed, but by a CPU that had not seen it: it may still have been on its way there.
    NotSeen,
    /// It is ordered before later stores, but not before the acknowledgement.
    NotAcknowledged,
    /// Its line was dropped from the cache before it was written back.
    Dropped,
}

/// A claim about bytes that are not certainly durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The workload's number of the claim.
    pub id: u64,
    /// Number of the claim's event.
    pub seq: u64,
    /// Who claimed.
    pub cpu: Cpu,
    /// First claimed byte that may be lost.
    pub addr: u64,
    /// How many, of this store.
    pub len: u64,
    /// Who stored it.
    pub stored_by: Cpu,
    /// Number of the store's event.
    pub stored_at: u64,
    /// What is missing.
    pub fault: Fault,
}

/// A line in which the model and the memory differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// First byte that differs.
    pub addr: u64,
    /// What the model has.
    pub model: u8,
    /// What the memory has.
    pub memory: u8,
}
