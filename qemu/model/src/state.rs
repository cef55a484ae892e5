//! What is durable and what is pending, line by line.

use crate::cost::Cost;
use crate::event::{Barrier, Cpu, Event, FlushKind, MAX_CPUS, Mark};
use crate::fault::Violation;
use crate::pending::{NONE, Pending, Slab};
use crate::profile::{Order, Profile, Scope};
use crate::rules::{self, Stage};

/// Stores between two checkpoints of a line.
pub(crate) const STRIDE: usize = 512;

/// One line's list of pending stores, oldest first, and its flushes.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) head: u32,
    pub(crate) tail: u32,
    /// Where it is in `State::dirty`.
    pub(crate) dirty: u32,
    /// How many of the stores bypass the cache.
    pub(crate) non_temporal: u32,
    /// How many there are.
    pub(crate) count: usize,
    /// What the CPUs saw after each [`STRIDE`] stores: the node of the last, and the content.
    pub(crate) checkpoints: Vec<(u32, Vec<u8>)>,
    /// Those under way.
    pub(crate) flushes: Vec<Flush>,
    flushed_at: u64,
    flushed_epoch: u32,
    flushed_by: Cpu,
}

/// A flush under way, or a write-combining buffer that will drain.
#[derive(Clone, Debug)]
pub(crate) struct Flush {
    pub(crate) cpu: usize,
    pub(crate) line: u32,
    /// The last event that it covers.
    pub(crate) seq: u64,
    pub(crate) stage: Stage,
    pub(crate) strong: bool,
    /// It covers the CPU's own write-combining stores and nothing else.
    pub(crate) own: bool,
    /// Events before it that stored to the line, and that its CPU had not seen.
    pub(crate) unseen: Vec<u64>,
}

impl Flush {
    /// True if it takes the store along.
    pub(crate) fn covers(&self, store: &Pending) -> bool {
        let own = store.non_temporal() && usize::from(store.cpu) == self.cpu;
        // A flush covers the whole line, whoever stored; but it drains only the write-combining
        // buffers of its own CPU (APM, CLFLUSH).
        self.line == store.line
            && self.seq >= store.seq
            && (own || (!self.own && !store.non_temporal()))
            && !self.unseen.contains(&store.seq)
    }
}

#[derive(Debug, Default)]
pub(crate) struct CpuState {
    pub(crate) epoch: u32,
    /// Completing barriers so far.
    barriers: u32,
    /// The lines that it has flushes of under way.
    pub(crate) flushing: Vec<u32>,
    /// How many of these take effect before the CPU's next store.
    pub(crate) before_stores: u32,
    /// Durable by order only: an acknowledgement now would not be ordered behind them.
    pub(crate) unacknowledged: Vec<Pending>,
    pub(crate) active: bool,
    /// The last event of each other CPU that this one has seen; empty: none.
    seen: Vec<u64>,
}

impl CpuState {
    fn has_seen(&self, own: usize, store: &Pending) -> bool {
        let seen = self.seen.get(usize::from(store.cpu));
        store.seen_by >> own & 1 == 1 || seen.is_some_and(|&seq| store.seq <= seq)
    }
}

/// The model's memory.
#[derive(Debug)]
pub struct State {
    pub(crate) profile: Profile,
    pub(crate) base: u64,
    pub(crate) shift: u32,
    pub(crate) durable: Vec<u8>,
    /// What the CPUs see.
    pub(crate) live: Vec<u8>,
    /// The bytes that a crash may show other than the CPUs see them.
    pub(crate) unsure: Vec<bool>,
    pub(crate) lines: Vec<Line>,
    pub(crate) slab: Slab,
    pub(crate) dirty: Vec<u32>,
    pub(crate) cpus: Vec<CpuState>,
    pub(crate) seq: u64,
    pub(crate) hash: u64,
    pub(crate) cost: Cost,
    pub(crate) violations: Vec<Violation>,
    pub(crate) scratch: Vec<u32>,
    pub(crate) forced: Vec<bool>,
    pub(crate) unacknowledged: usize, // in all CPUs
    /// Lines whose durable content changed; emptied by whoever mirrors it.
    pub(crate) changed: Vec<u32>,
}

impl State {
    /// A state in which `initial` is durable and lies at `base`.
    ///
    /// # Panics
    /// If `line` is not a power of two from 16 to 256, or `base` or the length is not a multiple of
    /// it.
    pub fn new(profile: Profile, line: usize, base: u64, initial: &[u8]) -> Self {
        assert!(
            line.is_power_of_two() && (16..=256).contains(&line),
            "line size {line}"
        );
        assert!(
            base.is_multiple_of(line as u64) && initial.len().is_multiple_of(line),
            "whole lines"
        );
        let clean = Line {
            head: NONE,
            tail: NONE,
            dirty: NONE,
            non_temporal: 0,
            count: 0,
            checkpoints: Vec::new(),
            flushes: Vec::new(),
            flushed_at: 0,
            flushed_epoch: 0,
            flushed_by: Cpu::MAX,
        };
        Self {
            profile,
            base,
            shift: line.trailing_zeros(),
            durable: initial.to_vec(),
            live: initial.to_vec(),
            unsure: vec![false; initial.len()],
            lines: vec![clean; initial.len() / line],
            slab: Slab::new(),
            dirty: Vec::new(),
            cpus: (0..MAX_CPUS).map(|_| CpuState::default()).collect(),
            seq: 0,
            hash: 0,
            cost: Cost::default(),
            violations: Vec::new(),
            scratch: Vec::new(),
            forced: Vec::new(),
            unacknowledged: 0,
            changed: Vec::new(),
        }
    }

    /// Takes an event. Its number is what [`State::seq`] says afterwards.
    pub fn apply(&mut self, event: &Event) {
        self.seq += 1;
        match event {
            Event::Store(store) => self.store(store),
            Event::Flush { cpu, addr, kind } => self.flush(*cpu, *addr, *kind),
            Event::Barrier { cpu, barrier } => self.barrier(*cpu, *barrier),
            Event::Reads { cpu, addr, len } => self.reads(*cpu, *addr, *len),
            Event::Sees { cpu, other, seq } => self.sees(*cpu, *other, *seq),
            Event::Mark {
                cpu,
                mark: Mark::Claim { addr, len, id } | Mark::Claimed { addr, len, id },
            } => {
                self.claim(*cpu, *addr, *len, *id);
            }
            Event::Mark {
                mark: Mark::Begin { .. },
                ..
            } => self.commit_all(),
            Event::Mark { .. } => {}
        }
    }

    /// True if `event` would make something certainly durable, so that the crash images of the
    /// moment before have to be looked at first.
    pub fn commits(&self, event: &Event) -> bool {
        let (cpu, add, strong) = match event {
            Event::Store(store) => (store.cpu, Stage::BEFORE_ACK, false),
            Event::Barrier { cpu, barrier } => {
                if *barrier == Barrier::Wbinvd && !self.dirty.is_empty() {
                    return true;
                }
                let effect = rules::barrier(&self.profile, *barrier);
                if self.profile.scope == Scope::Machine {
                    return effect.stage.has(Stage::BEFORE_ACK) && !self.dirty.is_empty();
                }
                (*cpu, effect.stage, effect.strong)
            }
            Event::Mark {
                cpu,
                mark: Mark::Claim { .. } | Mark::Claimed { .. },
            } => (*cpu, Stage::BEFORE_STORES, false),
            Event::Flush { .. } | Event::Sees { .. } | Event::Reads { .. } | Event::Mark { .. } => {
                return false;
            }
        };
        let state = self.cpu(cpu);
        if matches!(event, Event::Store(_)) && state.before_stores == 0 {
            return false;
        }
        state.flushing.iter().any(|line| {
            let line = &self.lines[*line as usize];
            line.head != NONE
                && line.flushes.iter().any(|f| {
                    f.cpu == usize::from(cpu) % MAX_CPUS
                        && (strong || !f.strong)
                        && f.stage.and(add) == Stage::COMPLETE
                })
        })
    }

    fn sees(&mut self, cpu: Cpu, other: Cpu, seq: u64) {
        let seen = &mut self.cpus[usize::from(cpu) % MAX_CPUS].seen;
        seen.resize(MAX_CPUS, 0);
        let last = &mut seen[usize::from(other) % MAX_CPUS];
        *last = seq.max(*last);
    }

    fn reads(&mut self, cpu: Cpu, addr: u64, len: u64) {
        let end = addr.saturating_add(len);
        for line in self.tracked_lines(addr, len) {
            let mut at = self.lines[line].head;
            while at != NONE {
                let start = self.address(self.slab.get(at));
                let store = self.slab.get_mut(at);
                if start < end && addr < start + u64::from(store.len) {
                    store.seen_by |= 1 << (usize::from(cpu) % MAX_CPUS);
                }
                at = store.next;
            }
        }
    }

    /// The stores of a line, pending or not acknowledged, that a CPU neither made nor has seen: its
    /// flush misses them.
    fn unseen(&mut self, cpu: usize, line: usize) -> Vec<u64> {
        let mut unseen = Vec::new();
        let mut at = self.lines[line].head;
        while at != NONE {
            let store = self.slab.get_mut(at);
            if usize::from(store.cpu) != cpu && !self.cpus[cpu].has_seen(cpu, store) {
                store.missed = true;
                unseen.push(store.seq);
            }
            at = store.next;
        }
        if self.unacknowledged > 0 {
            let ordered = self.cpus.iter().flat_map(|cpu| &cpu.unacknowledged);
            let foreign = ordered.filter(|store| {
                store.line as usize == line
                    && usize::from(store.cpu) != cpu
                    && !self.cpus[cpu].has_seen(cpu, store)
            });
            unseen.extend(foreign.map(|store| store.seq));
        }
        unseen
    }

    fn flush(&mut self, cpu: Cpu, addr: u64, kind: FlushKind) {
        let Some(line) = self.line_of(addr) else {
            return;
        };
        let cpu = usize::from(cpu) % MAX_CPUS;
        let state = &mut self.cpus[cpu];
        let entry = &mut self.lines[line];
        self.cost.flushes += 1;
        state.active = true;
        let Some(effect) = rules::flush(&self.profile, kind) else {
            self.cost.flushes_void += 1;
            if rules::drops(&self.profile, kind) {
                self.discard(cpu, line);
            }
            return;
        };
        if entry.head == NONE {
            self.cost.flushes_of_clean += 1;
            // It still waits, with the next barrier, for what is durable by order only.
            if self.unacknowledged == 0 {
                return;
            }
        }
        let repeated = entry.head != NONE
            && entry.flushed_by == cpu as Cpu
            && entry.flushed_epoch == state.barriers
            && entry.flushed_at >= self.slab.get(entry.tail).seq;
        self.cost.flushes_repeated += u64::from(repeated);
        entry.flushed_by = cpu as Cpu;
        entry.flushed_epoch = state.barriers;
        entry.flushed_at = self.seq;
        if self.profile.scope == Scope::Line {
            let unseen = self.unseen(cpu, line);
            self.start(Flush {
                cpu,
                line: line as u32,
                seq: self.seq,
                stage: effect.stage,
                strong: effect.strong,
                own: false,
                unseen,
            });
        }
    }

    /// A flush is under way. It does all that an earlier one of the same CPU and line would do that
    /// has got as far.
    pub(crate) fn start(&mut self, flush: Flush) {
        let line = &mut self.lines[flush.line as usize];
        let same = |old: &&mut Flush| {
            old.cpu == flush.cpu
                && old.own == flush.own
                && old.strong == flush.strong
                && old.stage == flush.stage
        };
        if flush.unseen.is_empty()
            && let Some(old) = line.flushes.iter_mut().find(same)
        {
            *old = flush;
            return;
        }
        let state = &mut self.cpus[flush.cpu];
        if line.flushes.iter().all(|old| old.cpu != flush.cpu) {
            state.flushing.push(flush.line);
        }
        state.before_stores += u32::from(flush.stage.has(Stage::BEFORE_STORES));
        line.flushes.push(flush);
    }

    fn barrier(&mut self, cpu: Cpu, barrier: Barrier) {
        let cpu = usize::from(cpu) % MAX_CPUS;
        let effect = rules::barrier(&self.profile, barrier);
        if barrier == Barrier::Wbinvd {
            self.write_back_all(cpu);
        }
        let state = &mut self.cpus[cpu];
        if effect.orders && self.profile.order == Order::Barriers {
            state.epoch += 1;
        }
        if effect.stage == Stage::COMPLETE {
            state.barriers += 1;
            if barrier != Barrier::LockedRmw {
                self.cost.fences += 1;
                self.cost.fences_redundant += u64::from(!state.active);
            }
            state.active = false;
        }
        if effect.stage != Stage::STARTED {
            self.advance(cpu, effect.stage, effect.strong);
        }
    }

    /// SDM, WBINVD: the modified lines of the CPU's own caches. A line to which another CPU has
    /// stored too may be in that one's.
    fn write_back_all(&mut self, cpu: usize) {
        for line in self.dirty.clone() {
            let own = |store: &Pending| usize::from(store.cpu) == cpu;
            if self.pending(line as usize).all(own) {
                self.start(Flush {
                    cpu,
                    line,
                    seq: self.seq,
                    stage: Stage::STARTED,
                    strong: false,
                    own: false,
                    unseen: Vec::new(),
                });
            }
        }
    }
}
