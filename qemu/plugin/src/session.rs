//! What happens when: a workload is traced, its contract checked, its crash images handed to
//! recovery one by one.

use kpmem_model::{Event, Mark, State, Store};

use crate::{
    exploration::Exploration,
    memory::Memory,
    options::Options,
    pages::Pages,
    report::{Line, Report, SHOWN, Traced},
    status::Status,
    timeline,
    trace::Trace,
};

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

    /// Recovery asks for the next crash image.
    pub fn next_crash(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Traced { initial, trace } => {
                let state = self.fresh(&initial);
                self.memory.reset(initial);
                let exploration = Exploration::new(state, trace, self.options.explore);
                Phase::Exploring(Box::new(exploration))
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
            self.memory.mailbox([MAGIC, 0, 0, 0, 0]);
            exploration.finish(&self.options.images, &mut self.report);
            self.phase = Phase::Idle;
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
        exploration.judge(image, code, &mut self.report);
        self.memory.undo();
        exploration.keep(image, code, self.options.samples, &self.memory);
    }
}

const MAGIC: u64 = kpmem_marks::Mailbox::MAGIC;
