//! What is durable and what is pending, line by line.

use std::collections::BTreeMap;

use crate::cost::Cost;
use crate::event::{Barrier, Cpu, Event, MAX_CPUS, Mark};
use crate::fault::Violation;
use crate::lines::{self, Lines};
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
    pub(crate) flushed_at: u64,
    pub(crate) flushed_epoch: u32,
    pub(crate) flushed_by: Cpu,
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
    pub(crate) barriers: u32,
    /// The lines that it has flushes of under way.
    pub(crate) flushing: Vec<u32>,
    /// How many of these take effect before the CPU's next store.
    pub(crate) before_stores: u32,
    /// Durable by order only, by line: an acknowledgement now would not be ordered behind them.
    pub(crate) unacknowledged: BTreeMap<u32, Vec<Pending>>,
    pub(crate) active: bool,
    /// The last event of each other CPU that this one has seen; empty: none.
    pub(crate) seen: Vec<u64>,
}

impl CpuState {
    pub(crate) fn has_seen(&self, own: usize, store: &Pending) -> bool {
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
    pub(crate) lines: Lines,
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
            durable: lines::copy(initial),
            live: lines::copy(initial),
            unsure: vec![false; initial.len()],
            lines: Lines::new(clean, initial.len() / line),
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
}
