//! The crash images of one workload, handed to recovery one by one.

use std::{fs, path::Path, time::Instant};

use kpmem_model::{
    State,
    explore::{self, Explorer, Image},
    hash::Random,
};

use crate::{
    memory::Memory,
    report::{Explored, Line, Report, SHOWN, Sample},
    timeline,
    trace::Trace,
};

#[derive(Debug)]
pub struct Exploration {
    workload: u64,
    pub explorer: Explorer<'static>,
    sites: Vec<u64>,
    /// The image that recovery looks at.
    pub at: Option<Image>,
    failures: u64,
    started: Instant,
    random: Random,
    kept: Vec<Kept>,
}

/// A crash image to boot from.
#[derive(Debug)]
struct Kept {
    id: String,
    verdict: u64,
    file: Vec<u8>,
}

impl Exploration {
    /// Starts over from what was durable when the workload began, which memory must hold.
    pub fn new(state: State, trace: Trace, options: explore::Options) -> Self {
        Self {
            workload: trace.begin(),
            // A trace stays in memory as long as QEMU runs: a few are small.
            explorer: Explorer::new(state, trace.events.leak(), options),
            sites: trace.sites,
            at: None,
            failures: 0,
            started: Instant::now(),
            random: Random::new(options.seed),
            kept: Vec::new(),
        }
    }

    /// Takes recovery's verdict on the image.
    pub fn judge(&mut self, image: Image, code: u64, report: &mut Report) {
        if code != 0 {
            self.failures += 1;
            if self.failures <= SHOWN {
                let failure =
                    timeline::recovery(&self.explorer, &self.sites, self.workload, image, code);
                report.write(&Line::Failure(failure));
            }
        }
    }

    /// Keeps the first failures, and of the rest a random sample (Vitter's algorithm R: each image
    /// is as likely as any other).
    pub fn keep(&mut self, image: Image, verdict: u64, samples: usize, memory: &Memory) {
        let kept = || Kept {
            id: image.id.to_string(),
            verdict,
            file: memory.file().to_vec(),
        };
        if verdict != 0 && self.failures <= SHOWN {
            self.kept.push(kept());
            return;
        }
        let taken = self.explorer.counts().taken;
        let good = self.kept.iter().filter(|k| k.verdict == 0).count();
        if good < samples {
            self.kept.push(kept());
        } else if samples > 0 && self.random.below(taken) < samples as u64 {
            let slot = self.random.below(samples as u64) as usize;
            let mut of_sample = self.kept.iter_mut().filter(|k| k.verdict == 0);
            if let Some(old) = of_sample.nth(slot) {
                (old.id, old.verdict) = (image.id.to_string(), verdict);
                old.file.copy_from_slice(memory.file());
            }
        }
    }

    /// Writes the kept images and the sums.
    pub fn finish(&self, images: &Path, report: &mut Report) {
        let counts = self.explorer.counts();
        for kept in &self.kept {
            let name = format!("{}-{}.img", self.workload, kept.id);
            let path = images.join(&name);
            fs::write(&path, &kept.file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            report.write(&Line::Sample(Sample {
                workload: self.workload,
                id: kept.id.clone(),
                verdict: kept.verdict,
                file: name,
            }));
        }
        report.write(&Line::Explored(Explored {
            workload: self.workload,
            points: counts.points,
            capped: counts.capped,
            walked: counts.walked,
            duplicates: counts.duplicates,
            states: counts.taken,
            seconds: self.started.elapsed().as_secs_f64(),
            failures: self.failures,
        }));
    }
}
