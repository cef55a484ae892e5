//! A workload while it runs: what it did, kept for exploration, and what the model says of it.

use std::collections::{BTreeMap, BTreeSet};

use kpmem_findings::{Line, Traced};
use kpmem_model::{Event, Mark, State, Store, event::MAX_CPUS, fault::Mismatch};

use crate::{
    memory::Memory,
    observed::{Observed, Touch},
    report::{Report, SHOWN},
    timeline,
    trace::Trace,
};

#[derive(Debug)]
pub struct Tracing {
    pub initial: Vec<u8>,
    pub trace: Trace,
    pub state: State,
    /// Where several CPUs run.
    pub observed: Option<Observed>,
    /// What the trace says of what each CPU has seen of each other one.
    said: Vec<[u64; MAX_CPUS]>,
    violations: usize,
    untracked: BTreeSet<u64>,
    /// Where claims are of copies: aligned words that were stored in parts since the last one.
    parts: Option<BTreeMap<u64, u64>>,
    torn: u64,
    claims: u64,
    claimed_bytes: u64,
}

impl Tracing {
    /// What memory holds now is durable.
    pub fn new(initial: Vec<u8>, state: State, observed: Option<Observed>, trace: Trace) -> Self {
        Self {
            initial,
            trace,
            state,
            observed,
            said: vec![[0; MAX_CPUS]; MAX_CPUS],
            violations: 0,
            untracked: BTreeSet::new(),
            parts: None,
            torn: 0,
            claims: 0,
            claimed_bytes: 0,
        }
    }

    /// Claims are of copies, which must store each aligned word as one.
    pub fn of_copies(mut self, of_copies: bool) -> Self {
        self.parts = of_copies.then(BTreeMap::new);
        self
    }

    /// Something happened.
    pub fn push(&mut self, event: Event, pc: u64, report: &mut Report) {
        self.trace.push(event, pc);
        self.state.apply(&event);
        for violation in &self.state.violations()[self.violations..] {
            if self.violations < SHOWN as usize {
                let failure = timeline::contract(&self.state, &self.trace, violation);
                report.write(&Line::Failure(failure));
            }
            self.violations += 1;
        }
    }

    /// A store: to tracked memory, as an event, or to other memory, by which CPUs tell each other
    /// what they did.
    pub fn store(
        &mut self,
        touch: Touch<'_>,
        tracked: Option<Store>,
        pc: u64,
        report: &mut Report,
    ) {
        let event = tracked.map(|store| {
            self.note_parts(&store);
            self.push(Event::Store(store), pc, report);
            self.state.seq()
        });
        if let Some(observed) = &mut self.observed {
            observed.store(touch, event);
        }
    }

    /// Notes the aligned words of which a store writes a part.
    fn note_parts(&mut self, store: &Store) {
        let seq = self.state.seq() + 1;
        let Some(parts) = &mut self.parts else {
            return;
        };
        let end = store.addr + u64::from(store.len);
        for word in [store.addr / 8 * 8, (end - 1) / 8 * 8] {
            if store.addr > word || end < word + 8 {
                parts.insert(word, seq);
            }
        }
    }

    /// Reports the words of a claim that were stored in parts.
    fn report_parts(&mut self, id: u64, places: &[(u64, u64)], report: &mut Report) {
        let Some(parts) = self.parts.take() else {
            return;
        };
        let whole = |word: u64| {
            let mut places = places.iter();
            places.any(|(addr, len)| word >= *addr && word + 8 <= addr + len)
        };
        for (&word, &seq) in parts.iter().filter(|(word, _)| whole(**word)) {
            if self.torn < SHOWN {
                let failure = timeline::torn(&self.state, &self.trace, id, word, seq);
                report.write(&Line::Failure(failure));
            }
            self.torn += 1;
        }
        self.parts = Some(BTreeMap::new());
    }

    /// Says what a CPU has seen of the others, if that is new.
    pub fn say_what_is_seen(&mut self, cpu: u8, pc: u64, report: &mut Report) {
        let said = &mut self.said[usize::from(cpu)];
        let mut new = Vec::new();
        for (other, seq) in self.observed.iter().flat_map(|all| all.seen(cpu)) {
            if std::mem::replace(&mut said[usize::from(other)], seq) != seq {
                new.push(Event::Sees { cpu, other, seq });
            }
        }
        for event in new {
            self.push(event, pc, report);
        }
    }

    /// A claim of bytes that may lie in several places; none: it is only counted.
    pub fn claim(&mut self, cpu: u8, id: u64, places: &[(u64, u64)], pc: u64, report: &mut Report) {
        self.report_parts(id, places, report);
        let (last, others) = places.split_last().unwrap_or((&(0, 0), &[]));
        for &(addr, len) in others {
            let mark = Mark::Claimed { addr, len, id };
            self.push(Event::Mark { cpu, mark }, pc, report);
        }
        let &(addr, len) = last;
        let mark = Mark::Claim { addr, len, id };
        self.push(Event::Mark { cpu, mark }, pc, report);
        self.claims += 1;
        self.claimed_bytes += places.iter().map(|(_, len)| len).sum::<u64>();
    }

    /// Compares a range with memory, and reports lines that differ for the first time.
    pub fn compare(&mut self, memory: &Memory, addr: u64, len: u64, report: &mut Report) {
        let (tracked, base) = (memory.bytes(), memory.base());
        let mut new = Vec::new();
        for mismatch in self.state.compare(addr, len, tracked) {
            let line = (mismatch.addr - base) / self.state.line() as u64;
            if self.untracked.insert(line) {
                new.push(mismatch);
            }
        }
        let shown = self.untracked.len() - new.len();
        for mismatch in new.into_iter().take((SHOWN as usize).saturating_sub(shown)) {
            self.report_untracked(mismatch, tracked, base, report);
        }
    }

    fn report_untracked(&self, mismatch: Mismatch, memory: &[u8], base: u64, report: &mut Report) {
        let word = (mismatch.addr - base) as usize / 8 * 8;
        let actual = u64::from_le_bytes(memory[word..word + 8].try_into().expect("a word"));
        let failure = timeline::untracked(&self.state, &self.trace, mismatch, actual);
        report.write(&Line::Failure(failure));
    }

    /// The workload is over: compares all of memory, and sums up.
    pub fn finish(&mut self, memory: &Memory, report: &mut Report) {
        for part in memory.used() {
            let (addr, len) = (memory.base() + part.start as u64, part.len() as u64);
            self.compare(memory, addr, len, report);
        }
        let cost = self.state.cost();
        let stores = self.trace.events.iter();
        report.write(&Line::Traced(Traced {
            workload: self.trace.begin(),
            events: self.trace.events.len() as u64,
            stores: stores.filter(|e| matches!(e, Event::Store(_))).count() as u64,
            claims: self.claims,
            claimed_bytes: self.claimed_bytes,
            violations: self.violations as u64,
            torn: self.torn,
            untracked: self.untracked.len() as u64,
            flushes: cost.flushes,
            fences: cost.fences,
            redundant_flushes: cost.redundant_flushes(),
            redundant_fences: cost.fences_redundant,
        }));
    }
}
