//! Where a simulation stands, as the plugin tells it while it runs.

use std::{fs, path::Path};

/// The words in the plugin's status file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Images taken before this point.
    pub(super) before: u64,
    pub(super) recovering: bool,
    pub(super) point: u64,
    pub(super) hash: u64,
    pub(super) runs: u64,
    /// 1 more than the point in a recovery that was cut off, or 0, and the hash there.
    pub(super) nested: (u64, u64),
}

impl Status {
    pub(super) fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let word = |i: usize| Some(u64::from_le_bytes(*bytes.get(i * 8..)?.first_chunk()?));
        Some(Self {
            before: word(0)?,
            recovering: word(1)? == 1,
            point: word(2)?,
            hash: word(3)?,
            runs: word(4)?,
            nested: (word(5)?, word(6)?),
        })
    }

    /// The name of the image at hand.
    pub(super) fn image(&self) -> String {
        let name = format!("{}-{:016x}", self.point, self.hash);
        match self.nested {
            (0, _) => name,
            (point, hash) => format!("{name}-{}-{hash:016x}", point - 1),
        }
    }
}
