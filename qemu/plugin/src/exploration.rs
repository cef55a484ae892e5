//! The crash images of one workload, handed to recovery one by one; one that it fails on is made
//! smaller before it is shown.

use std::{fs, path::Path, time::Instant};

use kpmem_model::{
    State,
    explore::{self, Context, Explorer, Id, Image},
    hash::Random,
    minimise::Minimise,
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
    explorer: Explorer<'static>,
    sites: Vec<u64>,
    /// The image that recovery looks at.
    at: Option<Image>,
    failures: u64,
    smaller: Option<Smaller>,
    started: Instant,
    random: Random,
    kept: Vec<Kept>,
    good: usize,
}

/// A failure whose image is being made smaller.
#[derive(Debug)]
struct Smaller {
    image: Image,
    code: u64,
    search: Minimise,
}

/// Bytes of the crash images that are kept, of all of one workload.
const ROOM: usize = 256 << 20;

/// A crash image to boot from.
#[derive(Debug)]
struct Kept {
    id: String,
    verdict: u64,
    file: Vec<u8>,
}

/// A crash image that recovery is to look at.
#[derive(Clone, Copy, Debug)]
pub struct Handed {
    pub id: Id,
    pub context: Context,
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
            smaller: None,
            started: Instant::now(),
            random: Random::new(options.seed),
            kept: Vec::new(),
            good: 0,
        }
    }

    /// The image that has no verdict yet.
    pub fn handed(&self) -> Option<Id> {
        self.at.map(|image| image.id)
    }

    /// Images handed out, each counted once.
    pub fn taken(&self) -> u64 {
        self.explorer.counts().taken
    }

    /// Puts the next image in memory: a smaller one of a failure, or the next of the exploration
    /// that is behind the first `skip`.
    pub fn next(&mut self, memory: &mut Memory, skip: u64) -> Option<Handed> {
        let image = match &self.smaller {
            Some(smaller) => Some(smaller.image),
            None => loop {
                let next = self.explorer.next(|addr, bytes| memory.write(addr, bytes));
                if next.is_none() || self.taken() > skip {
                    break next;
                }
            },
        };
        self.at = image;
        image.map(|Image { id, context, .. }| Handed { id, context })
    }

    /// Takes recovery's verdict on the image, which memory must hold without what recovery stored.
    pub fn judge(&mut self, code: u64, samples: usize, memory: &mut Memory, report: &mut Report) {
        let Some(image) = self.at.take() else {
            return;
        };
        if let Some(smaller) = &mut self.smaller {
            smaller.search.fails(code != 0);
        } else {
            self.keep(image, code, samples, memory);
            if code == 0 {
                return;
            }
            self.failures += 1;
            if self.failures > SHOWN {
                return;
            }
            self.smaller = Some(Smaller {
                image,
                code,
                search: Minimise::new(self.explorer.images()),
            });
        }
        let search = self.smaller.as_mut().map(|smaller| &mut smaller.search);
        match search.and_then(|search| search.next(self.explorer.images())) {
            Some(choice) => {
                let choice = choice.to_vec();
                self.explorer
                    .put(&choice, |addr, bytes| memory.write(addr, bytes));
            }
            None => self.give_up(memory, report),
        }
    }

    /// Shows a failure as small as it is by now, and puts its first image back.
    pub fn give_up(&mut self, memory: &mut Memory, report: &mut Report) {
        let Some(Smaller {
            image,
            code,
            search,
        }) = self.smaller.take()
        else {
            return;
        };
        self.explorer
            .put(search.best(), |addr, bytes| memory.write(addr, bytes));
        let failure = timeline::recovery(&self.explorer, &self.sites, self.workload, image, code);
        report.write(&Line::Failure(failure));
        self.explorer
            .put(search.original(), |addr, bytes| memory.write(addr, bytes));
    }

    /// Keeps the first failures, and of the good ones a random sample (Vitter's algorithm R: each
    /// is as likely as any other).
    fn keep(&mut self, image: Image, verdict: u64, samples: usize, memory: &Memory) {
        let kept = || Kept {
            id: image.id.to_string(),
            verdict,
            file: memory.image(),
        };
        let room = (self.kept.len() + 1) * memory.file().len() <= ROOM;
        if verdict != 0 {
            if room && self.failures < SHOWN {
                self.kept.push(kept());
            }
            return;
        }
        self.good += 1;
        let have = self.kept.iter().filter(|k| k.verdict == 0).count();
        if room && have < samples {
            self.kept.push(kept());
        } else if have > 0 && self.random.below(self.good as u64) < samples as u64 {
            let slot = self.random.below(have as u64) as usize;
            if let Some(old) = self.kept.iter_mut().filter(|k| k.verdict == 0).nth(slot) {
                *old = kept();
            }
        }
    }

    /// Writes the kept images, their names with something before them, and the sums.
    pub fn finish(&self, images: &Path, prefix: &str, report: &mut Report) {
        let counts = self.explorer.counts();
        for kept in &self.kept {
            let name = format!("{prefix}{}-{}.img", self.workload, kept.id);
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
