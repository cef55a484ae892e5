//! How a flush is under way, and what it takes along.

use crate::event::{Cpu, FlushKind, MAX_CPUS};
use crate::pending::{NONE, Pending};
use crate::profile::Scope;
use crate::rules::{self, Stage};
use crate::state::{Flush, State};

impl State {
    pub(crate) fn sees(&mut self, cpu: Cpu, other: Cpu, seq: u64) {
        let seen = &mut self.cpus[usize::from(cpu) % MAX_CPUS].seen;
        seen.resize(MAX_CPUS, 0);
        let last = &mut seen[usize::from(other) % MAX_CPUS];
        *last = seq.max(*last);
    }

    pub(crate) fn reads(&mut self, cpu: Cpu, addr: u64, len: u64) {
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
            let number = line as u32;
            let ordered = self
                .cpus
                .iter()
                .filter_map(|cpu| cpu.unacknowledged.get(&number));
            let ordered = ordered.flatten();
            let foreign = ordered.filter(|store| {
                usize::from(store.cpu) != cpu && !self.cpus[cpu].has_seen(cpu, store)
            });
            unseen.extend(foreign.map(|store| store.seq));
        }
        unseen
    }

    pub(crate) fn flush(&mut self, cpu: Cpu, addr: u64, kind: FlushKind) {
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

    /// SDM, WBINVD: the modified lines of the CPU's own caches. A line to which another CPU has
    /// stored too may be in that one's.
    pub(crate) fn write_back_all(&mut self, cpu: usize) {
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
