//! Crash images that are kept for a reboot.

use std::{fs, path::Path};

use kpmem_findings::{Line, Sample};
use kpmem_model::hash::Random;

use crate::{
    memory::Memory,
    nested::Name,
    report::{Report, SHOWN},
};

/// Bytes of the crash images that are kept, of all of one workload.
const ROOM: usize = 256 << 20;

/// A crash image to boot from.
#[derive(Debug)]
struct Image {
    name: Name,
    verdict: u64,
    file: Vec<u8>,
}

/// The first failures, and of the good ones a random sample (Vitter's algorithm R: each is as
/// likely as any other).
#[derive(Debug)]
pub struct Kept {
    images: Vec<Image>,
    bad: u64,
    good: usize,
    random: Random,
}

impl Kept {
    /// None yet.
    pub fn new(seed: u64) -> Self {
        Self {
            images: Vec::new(),
            bad: 0,
            good: 0,
            random: Random::new(seed),
        }
    }

    /// Considers the image that memory holds; `samples` good ones are kept.
    pub fn keep(&mut self, name: Name, verdict: u64, samples: usize, memory: &Memory) {
        let kept = || Image {
            name,
            verdict,
            file: memory.image(),
        };
        let room = (self.images.len() + 1) * memory.file().len() <= ROOM;
        if verdict != 0 {
            if room && self.bad < SHOWN {
                self.images.push(kept());
            }
            self.bad += 1;
            return;
        }
        self.good += 1;
        let have = self.images.iter().filter(|k| k.verdict == 0).count();
        if room && have < samples {
            self.images.push(kept());
        } else if have > 0 && self.random.below(self.good as u64) < samples as u64 {
            let slot = self.random.below(have as u64) as usize;
            if let Some(old) = self.images.iter_mut().filter(|k| k.verdict == 0).nth(slot) {
                *old = kept();
            }
        }
    }

    /// Writes them to a folder, their names with something before them.
    pub fn write(&self, workload: u64, prefix: &str, folder: &Path, report: &mut Report) {
        for Image {
            name,
            verdict,
            file: content,
        } in &self.images
        {
            let file = format!("{prefix}{workload}-{name}.img");
            let path = folder.join(&file);
            fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            report.write(&Line::Sample(Sample {
                workload,
                id: name.to_string(),
                verdict: *verdict,
                file,
            }));
        }
    }
}
