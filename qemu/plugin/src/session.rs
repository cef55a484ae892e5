//! What happens when: a workload is traced, its contract checked, its crash images handed to recovery one by one.

use std::{fs, time::Instant};

use kpmem_model::{
    Event, Mark, State, Store,
    explore::{Explorer, Image},
    hash::Random,
};

use crate::{
    memory::Memory,
    options::Options,
    pages::Pages,
    report::{Explored, Line, Report, Sample, Traced},
    status::Status,
    timeline,
};

/// Failures written in full for one workload; the rest are counted.
const SHOWN: u64 = 8;

/// The plugin's whole state.
#[derive(Debug)]
pub struct Session {
    pub options: Options,
    pub pages: Pages,
    memory: Memory,
    report: Report,
    status: Status,
    phase: Phase,
}

/// An event and the address of the instruction behind it.
#[derive(Debug, Default)]
pub struct Trace {
    pub events: Vec<Event>,
    pub sites: Vec<u64>,
}

#[derive(Debug)]
enum Phase {
    /// No workload: stores count as durable.
    Idle,
    Tracing {
        initial: Vec<u8>,
        trace: Trace,
    },
    /// A workload ended; recovery may ask for its crash images.
    Traced {
        initial: Vec<u8>,
        trace: Trace,
    },
    Exploring(Box<Exploration>),
}

#[derive(Debug)]
struct Exploration {
    workload: u64,
    explorer: Explorer<'static>,
    sites: Vec<u64>,
    at: Option<Image>,
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

impl Session {
    /// Opens the files that the options name.
    pub fn new(options: Options) -> Result<Self, String> {
        Ok(Self {
            memory: Memory::open(&options.image, options.base, options.line)?,
            report: Report::create(&options.report)?,
            status: Status::create(&options.status)?,
            pages: Pages::default(),
            phase: Phase::Idle,
            options,
        })
    }

    /// Bytes that are tracked.
    pub fn tracked(&self) -> usize {
        self.memory.len()
    }

    /// A store to persistent memory.
    pub fn store(&mut self, store: Store, pc: u64) {
        match &mut self.phase {
            Phase::Tracing { trace, .. } => trace.push(Event::Store(store), pc),
            Phase::Exploring(_) => {
                self.memory.touch(store.addr);
            }
            Phase::Idle | Phase::Traced { .. } => {}
        }
    }

    /// A flush or barrier.
    pub fn event(&mut self, event: Event, pc: u64) {
        if let Phase::Tracing { trace, .. } = &mut self.phase {
            trace.push(event, pc);
        }
    }

    /// A mark of the model's.
    pub fn mark(&mut self, cpu: u8, mark: Mark, pc: u64) {
        if let Mark::Begin { .. } = mark {
            // The memory of a trace that nobody needs any more serves the next one.
            let trace = match std::mem::replace(&mut self.phase, Phase::Idle) {
                Phase::Traced { trace, .. } => trace.emptied(),
                _ => Trace::default(),
            };
            let initial = self.memory.bytes().to_vec();
            self.phase = Phase::Tracing { initial, trace };
        }
        self.event(Event::Mark { cpu, mark }, pc);
        if mark == Mark::End
            && let Phase::Tracing { initial, trace } =
                std::mem::replace(&mut self.phase, Phase::Idle)
        {
            self.check(&initial, &trace);
            self.phase = Phase::Traced { initial, trace };
        }
    }

    /// Replays a trace: the contract at each claim, the audit at the end, the cost.
    fn check(&mut self, initial: &[u8], trace: &Trace) {
        let mut state = self.fresh(initial);
        let mut violations = 0;
        for event in &trace.events {
            state.apply(event);
            for violation in &state.violations()[violations..] {
                if violations < SHOWN as usize {
                    let failure = timeline::contract(&state, trace, violation);
                    self.report.write(&Line::Failure(failure));
                }
                violations += 1;
            }
        }
        let mut untracked = 0;
        for mismatch in state.audit(self.memory.bytes()) {
            if untracked < SHOWN as usize {
                let failure = timeline::untracked(&state, trace, mismatch);
                self.report.write(&Line::Failure(failure));
            }
            untracked += 1;
        }
        let count = |is: fn(&Event) -> bool| trace.events.iter().filter(|e| is(e)).count();
        let cost = state.cost();
        self.report.write(&Line::Traced(Traced {
            workload: trace.begin(),
            events: trace.events.len(),
            stores: count(|e| matches!(e, Event::Store(_))),
            claims: count(|e| {
                matches!(
                    e,
                    Event::Mark {
                        mark: Mark::Claim { .. },
                        ..
                    }
                )
            }),
            violations,
            untracked,
            flushes: cost.flushes,
            fences: cost.fences,
            redundant_flushes: cost.redundant_flushes(),
            redundant_fences: cost.fences_redundant,
        }));
    }

    fn fresh(&self, initial: &[u8]) -> State {
        State::new(
            self.options.profile,
            self.options.line,
            self.options.base,
            initial,
        )
    }

    /// Starts over from what was durable when the workload began.
    fn explore(&mut self, initial: Vec<u8>, trace: Trace) -> Exploration {
        let state = self.fresh(&initial);
        self.memory.reset(initial);
        let options = self.options.explore;
        Exploration {
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

    /// Recovery asks for the next crash image.
    pub fn next_crash(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Traced { initial, trace } => {
                Phase::Exploring(Box::new(self.explore(initial, trace)))
            }
            other => other,
        };
        let Phase::Exploring(exploration) = &mut self.phase else {
            self.memory.mailbox([MAGIC, 0, 0, 0, 0]);
            return;
        };
        self.memory.undo();
        exploration.at = loop {
            let next = exploration
                .explorer
                .next(|addr, bytes| self.memory.write(addr, bytes));
            if next.is_none() || exploration.explorer.counts().taken > self.options.skip {
                break next;
            }
        };
        let Some(image) = exploration.at else {
            self.finish();
            return;
        };
        let context = image.context;
        self.memory
            .mailbox([MAGIC, 1, context.begin, context.claims, context.last_claim]);
        self.status
            .recovering(exploration.explorer.counts().taken, image.id);
    }

    /// Recovery says what it found.
    pub fn verdict(&mut self, code: u64) {
        let Phase::Exploring(exploration) = &mut self.phase else {
            return;
        };
        let Some(image) = exploration.at.take() else {
            return;
        };
        self.status.recovered();
        let Exploration {
            workload,
            explorer,
            sites,
            failures,
            ..
        } = &mut **exploration;
        if code != 0 {
            *failures += 1;
            if *failures <= SHOWN {
                let failure = timeline::recovery(explorer, sites, *workload, image, code);
                self.report.write(&Line::Failure(failure));
            }
        }
        self.memory.undo();
        exploration.keep(image, code, self.options.samples, &self.memory);
    }

    /// All images are taken.
    fn finish(&mut self) {
        self.memory.mailbox([MAGIC, 0, 0, 0, 0]);
        let Phase::Exploring(done) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        let counts = done.explorer.counts();
        for kept in &done.kept {
            let name = format!("{}-{}.img", done.workload, kept.id);
            let path = self.options.images.join(&name);
            fs::write(&path, &kept.file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            self.report.write(&Line::Sample(Sample {
                workload: done.workload,
                id: kept.id.clone(),
                verdict: kept.verdict,
                file: name,
            }));
        }
        self.report.write(&Line::Explored(Explored {
            workload: done.workload,
            points: counts.points,
            capped: counts.capped,
            walked: counts.walked,
            duplicates: counts.duplicates,
            states: counts.taken,
            seconds: done.started.elapsed().as_secs_f64(),
            failures: done.failures,
        }));
    }
}

const MAGIC: u64 = kpmem_marks::Mailbox::MAGIC;

impl Exploration {
    /// Keeps the first failures, and of the rest a random sample (Vitter's algorithm R: each image is as likely as any other).
    fn keep(&mut self, image: Image, verdict: u64, samples: usize, memory: &Memory) {
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
                *old = kept();
            }
        }
    }
}

impl Trace {
    fn emptied(mut self) -> Self {
        self.events.clear();
        self.sites.clear();
        self
    }

    fn push(&mut self, event: Event, pc: u64) {
        self.events.push(event);
        self.sites.push(pc);
    }

    pub fn begin(&self) -> u64 {
        self.events
            .iter()
            .find_map(|e| match e {
                Event::Mark {
                    mark: Mark::Begin { id },
                    ..
                } => Some(*id),
                _ => None,
            })
            .unwrap_or_default()
    }
}
