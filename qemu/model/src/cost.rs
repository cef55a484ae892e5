//! The cost oracle: flushes and fences that did nothing.

/// Counts since the state was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Flushes of tracked lines.
    pub flushes: u64,
    /// Of these, of a line with nothing pending.
    pub flushes_of_clean: u64,
    /// Of these, of a line that this CPU had flushed since the last store to it and the CPU's last
    /// completing barrier.
    pub flushes_repeated: u64,
    /// Of these, of a kind that makes nothing durable on this platform.
    pub flushes_void: u64,
    /// Barriers that complete flushes, read-modify-writes left out.
    pub fences: u64,
    /// Of these, with no store or flush of the CPU since its last one.
    pub fences_redundant: u64,
}

impl Cost {
    /// Flushes that could be left out.
    pub const fn redundant_flushes(&self) -> u64 {
        self.flushes_of_clean + self.flushes_repeated
    }
}
