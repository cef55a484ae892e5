//! A few words that the harness can read at any time, to tell a slow exploration from a recovery
//! that hangs or dies.

use std::{fs::File, path::Path};

use memmap2::MmapMut;

use crate::nested::Name;

/// Words: images taken before the image's point, 1 while recovery runs, its image's point, its
/// image's hash, how often it has run; 1 more than the point in an earlier recovery, if that was
/// cut off, and the hash there.
#[derive(Debug)]
pub struct Status {
    words: MmapMut,
    runs: u64,
}

impl Status {
    pub fn create(path: &Path) -> Result<Self, String> {
        let open = || {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            file.set_len(4096)?;
            // SAFETY: the harness only reads the file, and nothing here reads it.
            unsafe { MmapMut::map_mut(&file) }
        };
        open()
            .map(|words| Self { words, runs: 0 })
            .map_err(|e| format!("{}: {e}", path.display()))
    }

    pub fn recovering(&mut self, before: u64, Name { id, nested }: Name) {
        self.runs += 1;
        let (point, hash) = nested.map_or((0, 0), |nested| (nested.point + 1, nested.hash));
        self.set([before, 1, id.point, id.hash, self.runs, point, hash]);
    }

    /// A claim was made: the workload goes on.
    pub fn claimed(&mut self) {
        self.runs += 1;
        self.words[32..40].copy_from_slice(&self.runs.to_le_bytes());
    }

    pub fn recovered(&mut self) {
        self.words[8..16].copy_from_slice(&0_u64.to_le_bytes());
    }

    fn set(&mut self, words: [u64; 7]) {
        for (slot, word) in self.words.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
    }
}
