//! The crash images of one workload, handed to recovery one by one; one that it fails on is made
//! smaller before it is shown. Where images are chosen by what recovery reads, that is noted.

use std::{path::Path, time::Instant};

use kpmem_findings::{Explored, Line};
use kpmem_model::{
    Event, Profile, State,
    explore::{self, Context, Explorer, Image},
    minimise::Minimise,
};

use crate::{
    failed::{self, Failed, Part},
    kept::Kept,
    memory::Memory,
    nested::{Name, Nested, Nesting},
    report::{Report, SHOWN},
    trace::Trace,
};

#[derive(Debug)]
pub struct Exploration {
    workload: u64,
    explorer: Explorer<'static>,
    sites: Vec<u64>,
    options: explore::Options,
    /// The image that recovery looks at.
    at: Option<Image>,
    nesting: Nesting,
    /// The recovery whose crash images are looked at.
    nested: Option<Nested>,
    failures: u64,
    /// How many are wanted.
    enough: u64,
    smaller: Option<Smaller>,
    started: Instant,
    kept: Kept,
    start: Start,
    /// Why what recovery reads does not tell what it does.
    opaque: Option<String>,
}

/// What an exploration begins from.
#[derive(Debug)]
pub struct Start {
    pub profile: Profile,
    pub line: usize,
    pub base: u64,
    /// What was durable when the workload began.
    pub initial: Vec<u8>,
    pub nesting: Nesting,
}

impl Start {
    fn state(&self) -> State {
        self.state_of(&self.initial)
    }

    fn state_of(&self, content: &[u8]) -> State {
        State::new(self.profile, self.line, self.base, content)
    }
}

/// A failure whose image is being made smaller.
#[derive(Debug)]
struct Smaller {
    image: Image,
    code: u64,
    search: Minimise,
}

/// A crash image that recovery is to look at.
#[derive(Clone, Copy, Debug)]
pub struct Handed {
    pub name: Name,
    pub context: Context,
}

impl Exploration {
    /// Starts over from what was durable when the workload began, which memory must hold.
    pub fn new(mut start: Start, trace: Trace, options: explore::Options) -> Self {
        let seed = options.seed;
        Self {
            workload: trace.begin(),
            explorer: Explorer::new(start.state(), trace.events, options.clone()),
            options,
            nesting: std::mem::take(&mut start.nesting),
            nested: None,
            start,
            opaque: None,
            sites: trace.sites,
            at: None,
            failures: 0,
            enough: u64::MAX,
            smaller: None,
            started: Instant::now(),
            kept: Kept::new(seed),
        }
    }

    /// No image is handed out after so many bad ones.
    pub fn until(self, enough: u64) -> Self {
        Self { enough, ..self }
    }

    /// The image that has no verdict yet.
    pub fn handed(&self) -> Option<Name> {
        self.at.map(|image| self.name(image))
    }

    fn name(&self, image: Image) -> Name {
        let of = self.nested.as_ref().map_or(image, |nested| nested.of);
        Name {
            id: of.id,
            nested: self.nested.as_ref().map(|_| image.id),
        }
    }

    /// Whose images are looked at.
    fn active(&mut self) -> &mut Explorer<'static> {
        match &mut self.nested {
            Some(nested) => &mut nested.explorer,
            None => &mut self.explorer,
        }
    }

    /// Images handed out, each counted once.
    pub fn taken(&self) -> u64 {
        self.explorer.counts().taken
    }

    /// Those of them that were handed out before the moment at hand.
    pub fn before(&self) -> u64 {
        self.explorer.before()
    }

    /// Puts the next image in memory: a smaller one of a failure, or the next of the exploration.
    pub fn next(&mut self, memory: &mut Memory) -> Option<Handed> {
        let image = match &self.smaller {
            Some(smaller) => Some(smaller.image),
            None if self.failures >= self.enough => None,
            None => self
                .next_of_recovery(memory)
                .or_else(|| self.explorer.next(|addr, bytes| memory.write(addr, bytes)))
                .or_else(|| self.sample_instead(memory)),
        };
        self.at = image;
        self.nesting.begin();
        image.map(|image| Handed {
            name: self.name(image),
            context: image.context,
        })
    }

    fn next_of_recovery(&mut self, memory: &mut Memory) -> Option<Image> {
        let nested = self.nested.as_mut()?;
        let image = self.nesting.next(nested, memory);
        if image.is_none() {
            let nested = self.nested.take()?;
            self.nesting.finish(nested, memory);
        }
        image
    }

    /// Begins again without readings, if these don't tell what recovery does.
    fn sample_instead(&mut self, memory: &mut Memory) -> Option<Image> {
        self.opaque = Some(self.explorer.contradiction()?.to_string());
        memory.reset(self.start.initial.clone());
        self.explorer.sample_instead(self.start.state());
        self.explorer.next(|addr, bytes| memory.write(addr, bytes))
    }

    /// Whether what recovery of the image at hand reads is noted.
    pub fn is_watched(&self) -> bool {
        self.smaller.is_none() && self.at.is_some_and(|image| image.watched)
    }

    /// Recovery loads bytes.
    pub fn read(&mut self, addr: u64, len: usize, memory: &Memory) {
        if self.is_watched() {
            self.active().read(addr, memory.held(addr, len));
        }
    }

    /// Recovery stores bytes.
    pub fn stored(&mut self, addr: u64, len: usize) {
        if self.is_watched() {
            self.active().stored(addr, len);
        }
    }

    /// Whether what recovery does is noted, as it may be cut off too.
    pub fn is_noted(&self) -> bool {
        let is_whole = self.nested.is_none() && self.smaller.is_none();
        self.nesting.is_on() && is_whole && self.at.is_some_and(|image| !image.aside)
    }

    /// Recovery does something.
    pub fn note(&mut self, event: Event, pc: u64) {
        if self.is_noted() {
            self.nesting.note(event, pc);
        }
    }

    /// Takes recovery's verdict on the image, which memory must hold without what recovery stored.
    pub fn judge(&mut self, code: u64, samples: usize, memory: &mut Memory, report: &mut Report) {
        let Some(image) = self.at.take() else {
            return;
        };
        if let Some(smaller) = &mut self.smaller {
            smaller.search.fails(code != 0);
        } else {
            if image.watched {
                self.active().judged(code);
            }
            if image.aside {
                return;
            }
            let name = self.name(image);
            self.kept.keep(name, code, samples, memory);
            if code == 0 {
                if self.nested.is_none() {
                    let state = |content: &[u8]| self.start.state_of(content);
                    self.nested = self.nesting.cut(image, state, memory, &self.options);
                }
                return;
            }
            self.failures += 1;
            if self.failures > SHOWN {
                return;
            }
            self.smaller = Some(Smaller {
                image,
                code,
                search: Minimise::new(self.active().images()),
            });
        }
        let active = match &mut self.nested {
            Some(nested) => &mut nested.explorer,
            None => &mut self.explorer,
        };
        let search = self.smaller.as_mut().map(|smaller| &mut smaller.search);
        match search.and_then(|search| search.next(active.images())) {
            Some(choice) => {
                let choice = choice.to_vec();
                active.put(&choice, |addr, bytes| memory.write(addr, bytes));
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
        self.active()
            .put(search.best(), |addr, bytes| memory.write(addr, bytes));
        let failed = Failed {
            workload: self.workload,
            name: self.name(image),
            verdict: code,
        };
        let first = Part {
            explorer: &self.explorer,
            sites: &self.sites,
            image: self.nested.as_ref().map_or(image, |nested| nested.of),
        };
        let nested = self.nested.as_ref().map(|nested| Part {
            explorer: &nested.explorer,
            sites: &nested.sites,
            image,
        });
        let failure = failed::recovery(&first, nested.as_ref(), &failed);
        report.write(&Line::Failure(failure));
        self.active()
            .put(search.original(), |addr, bytes| memory.write(addr, bytes));
    }

    /// Writes the kept images, their names with something before them, and the sums.
    pub fn finish(&self, images: &Path, prefix: &str, report: &mut Report) {
        let counts = self.explorer.counts();
        self.kept.write(self.workload, prefix, images, report);
        report.write(&Line::Explored(Explored {
            workload: self.workload,
            points: counts.points,
            by_readings: counts.by_readings,
            capped: counts.capped + self.nesting.counts.capped,
            left_out: counts.left_out + self.nesting.counts.left_out,
            nested: self.nesting.counts.taken,
            opaque: self.opaque.clone(),
            walked: counts.walked,
            duplicates: counts.duplicates,
            states: counts.taken,
            seconds: self.started.elapsed().as_secs_f64(),
            failures: self.failures,
        }));
    }
}
