//! Whose turn it is. One CPU at a time runs; the others stand still, each behind the last thing
//! that it did.
//!
//! A CPU runs until it waits (`wait.rs`) or halts. Then the next one runs that has something to do:
//! it was preempted, or what it waits for has changed. Between the begin and the end of a workload
//! each thing that a CPU does has a number, its step, and the run's schedule says after which steps
//! a CPU is preempted.

use kpmem_model::hash::mix;

use super::{
    name::Schedule,
    run::{ALWAYS, Run},
    wait::{Found, Wait},
    words::{Access, Change, Words},
};

#[derive(Debug, Default)]
struct Cpu {
    wait: Wait,
    /// It stands where it waits, and nothing has changed that it waits for.
    waits: bool,
    /// It has halted, or was never started.
    halted: bool,
}

/// What all CPUs do.
#[derive(Debug)]
pub struct Turn {
    holder: usize,
    cpus: Vec<Cpu>,
    pub words: Words,
    run: Option<Run>,
    /// The CPU that waits until all others wait.
    gatherer: Option<usize>,
    /// Turns since anything was changed.
    pub idle_turns: u32,
    /// Accesses since the turn was handed on.
    held: u32,
    /// Slices since the others were told to come to wait.
    slices: u32,
    /// Why it makes no sense to go on.
    pub hopeless: Option<String>,
}

/// So many accesses a CPU makes at a time, where another could go on: a loop that waits and counts
/// in memory how often looks like work.
const SLICE: u32 = 1 << 16;
/// So many slices has no CPU that comes to wait.
const SLICES: u32 = 8;
/// So many steps has no run that ends.
const STEPS: u32 = 1 << 26;

impl Turn {
    pub fn new() -> Self {
        Self {
            holder: 0,
            cpus: Vec::new(),
            words: Words::default(),
            run: None,
            gatherer: None,
            idle_turns: 0,
            held: 0,
            slices: 0,
            hopeless: None,
        }
    }

    pub fn holder(&self) -> usize {
        self.holder
    }

    /// A CPU; one that is not known yet has not been started.
    fn cpu(&mut self, cpu: usize) -> &mut Cpu {
        while self.cpus.len() <= cpu {
            self.cpus.push(Cpu {
                halted: true,
                ..Cpu::default()
            });
        }
        &mut self.cpus[cpu]
    }

    /// From now on one CPU runs at a time, and this is the one.
    pub fn take(&mut self, cpu: usize) {
        self.cpu(cpu).halted = false;
        self.holder = cpu;
        self.gatherer = None;
    }

    /// All run as they like, until one gathers the others again.
    pub fn release(&mut self) {
        for cpu in &mut self.cpus {
            cpu.waits = false;
            cpu.wait.goes_on();
        }
    }

    /// The CPU executes something. If the one whose turn it is has halted, it is this one's.
    pub fn awake(&mut self, cpu: usize) {
        self.cpu(cpu).halted = false;
        if self.cpus[self.holder].halted {
            self.holder = cpu;
        }
    }

    /// The CPU has halted.
    pub fn halts(&mut self, cpu: usize) {
        self.cpu(cpu).halted = true;
        if self.holder == cpu {
            self.hand_on();
        }
    }

    /// The CPU whose turn it is wants all others to come to where they wait or halt. It has its
    /// turn again when they have.
    pub fn gather(&mut self, cpu: usize) {
        self.gatherer = Some(cpu);
        self.slices = 0;
        self.cpus[cpu].wait.goes_on();
        self.hand_on();
    }

    /// A workload begins.
    pub fn start(&mut self, schedule: Schedule) {
        // What was there before it first began is not known either.
        self.words.forget_values();
        self.run = Some(Run::of(schedule));
    }

    /// It ends.
    pub fn finish(&mut self) -> Option<Run> {
        self.run.take().map(Run::ended)
    }

    /// The schedule of the run.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.run.as_ref().map(Run::schedule)
    }

    /// The CPU has something to say, or has flushed, or waited for stores to be durable.
    pub fn says(&mut self, cpu: usize, pc: u64) {
        self.goes_on(cpu);
        self.step(cpu, Some(ALWAYS), mix(pc, cpu as u64));
    }

    /// The CPU goes on, in a way that is no step.
    pub fn goes_on(&mut self, cpu: usize) {
        self.cpus[cpu].wait.goes_on();
        self.idle_turns = 0;
    }

    /// A barrier. A loop that waits may have one, which matters to nobody.
    pub fn barrier(&mut self, cpu: usize) {
        let word = (!self.cpus[cpu].wait.repeats()).then_some(ALWAYS);
        self.step(cpu, word, 0);
    }

    /// The CPU has loaded or stored.
    pub fn access(&mut self, cpu: usize, access: &Access<'_>) {
        let Access { pc, addr, .. } = *access;
        let changed = self.words.note(cpu as u8, access);
        let wait = &mut self.cpus[cpu].wait;
        // An atomic that stores what was there is one that looks, and an atomic's load is half of
        // it: no other CPU comes between.
        let found = if changed {
            Found::New
        } else if access.atomic && !access.is_store {
            return;
        } else if access.is_store && !access.atomic {
            wait.stores_the_same()
        } else {
            wait.loads(pc, addr, access.bytes)
        };
        if changed {
            self.goes_on(cpu);
            let len = access.bytes.len();
            self.changed(cpu, &Change { addr, len });
        }
        self.held += 1;
        let persists = access.is_store && access.persistent;
        let word = match found {
            Found::Waits => return self.waits(cpu),
            Found::Again => None,
            Found::New if persists || access.atomic => Some(ALWAYS),
            Found::New => Some(addr / 8),
        };
        let mut hash = 0;
        if persists {
            let bytes = access.bytes.chunks(8).map(|bytes| {
                let byte = bytes.iter().rev();
                byte.fold(0, |word, byte| word << 8 | u64::from(*byte))
            });
            hash = bytes.fold(mix(pc, addr), mix) ^ cpu as u64;
        }
        self.step(cpu, word, hash);
        if self.held > SLICE {
            self.held = 0;
            self.ends_slice(cpu);
        }
    }

    /// The CPU has gone on for long.
    fn ends_slice(&mut self, cpu: usize) {
        let steps = self.run.as_ref().map_or(0, |run| run.steps);
        self.slices += 1;
        if let Some(gatherer) = self.gatherer {
            self.hopeless = (self.slices > SLICES).then(|| {
                format!(
                    "a workload begins on CPU {gatherer}, and CPU {cpu} neither waits nor halts"
                )
            });
        } else if steps > STEPS {
            self.hopeless = Some(format!(
                "the workload has made {steps} steps, and not ended"
            ));
        } else if self.holder == cpu {
            self.hand_on();
        }
    }

    /// The CPU waits, or does nothing that can be seen.
    pub fn waits(&mut self, cpu: usize) {
        self.cpus[cpu].waits = true;
        self.hand_on();
    }

    fn changed(&mut self, by: usize, change: &Change) {
        for (cpu, state) in self.cpus.iter_mut().enumerate() {
            if cpu != by && state.waits && state.wait.concerns(change) {
                state.waits = false;
                state.wait.goes_on();
            }
        }
    }

    fn is_able(&self, cpu: usize) -> bool {
        !self.cpus[cpu].halted && !self.cpus[cpu].waits
    }

    fn others(&self, cpu: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.cpus.len();
        (1..count).map(move |i| (cpu + i) % count)
    }

    /// The next that has something to do; if none has, one that waits looks again.
    fn hand_on(&mut self) {
        let from = self.holder;
        let able = self
            .others(from)
            .find(|&cpu| self.is_able(cpu) && self.gatherer != Some(cpu));
        let next = match (able, self.gatherer) {
            (Some(cpu), _) => Some(cpu),
            (None, Some(gatherer)) => {
                self.gatherer = None;
                Some(gatherer)
            }
            (None, None) => {
                self.idle_turns += 1;
                self.others(from).find(|&cpu| !self.cpus[cpu].halted)
            }
        };
        self.give(next.unwrap_or(from));
    }

    fn give(&mut self, cpu: usize) {
        let state = &mut self.cpus[cpu];
        if state.waits {
            state.waits = false;
            state.wait.goes_on();
        }
        self.holder = cpu;
        self.held = 0;
    }

    /// Something was done, to a word if it may matter to others: they could go on now, or have to.
    fn step(&mut self, cpu: usize, word: Option<u64>, hash: u64) {
        let able = self.others(cpu).filter(|&cpu| self.is_able(cpu));
        let able = able.fold(0, |mask, cpu| mask | 1_u64 << cpu);
        let run = self.run.as_mut();
        if let Some(to) = run.and_then(|run| run.step(word, hash, able)) {
            self.give(to.into());
        }
    }

    /// Where each CPU stands, for a person.
    pub fn places(&self) -> String {
        let state = |(cpu, state): (usize, &Cpu)| {
            let place = state.wait.place();
            match (state.halted, place) {
                (true, _) => Some(format!("CPU {cpu} is halted")),
                (false, Some((pc, addr))) => Some(format!(
                    "CPU {cpu} looks at {addr:#x} again and again (instruction at {pc:#x})"
                )),
                (false, None) => Some(format!("CPU {cpu} has done nothing since")),
            }
        };
        let all = self.cpus.iter().enumerate().filter_map(state);
        all.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
