//! How pending stores become durable.
//!
//! What is committed is closed under [`rules::ordered`]: whatever a crash must show with a store
//! that is now certain is certain too.

use crate::cost::Cost;
use crate::event::{Cpu, MAX_CPUS};
use crate::pending::NONE;
use crate::profile::Scope;
use crate::rules::{self, Stage};
use crate::state::{CpuState, Flush, State};

impl State {
    /// A barrier advances the flushes of its CPU; those that are complete commit.
    pub(crate) fn advance(&mut self, cpu: usize, stage: Stage, strong: bool) {
        if stage.has(Stage::BEFORE_ACK) {
            let waiting = std::mem::take(&mut self.cpus[cpu].unacknowledged);
            self.unacknowledged -= waiting.values().map(Vec::len).sum::<usize>();
        }
        if self.profile.scope == Scope::Machine {
            if stage.has(Stage::BEFORE_ACK) {
                self.commit_cpu(cpu);
            }
            return;
        }
        self.complete(cpu, false, |flush| {
            if flush.strong && !strong {
                return false;
            }
            flush.stage = flush.stage.and(stage);
            flush.stage == Stage::COMPLETE
        });
    }

    /// Flushes that come before the CPU's next store take effect: that store is here.
    pub(crate) fn commit_before_stores(&mut self, cpu: usize) {
        self.complete(cpu, true, |flush| flush.stage.has(Stage::BEFORE_STORES));
    }

    /// Flushes that come before the CPU's next acknowledgement take effect: it is here.
    pub(crate) fn commit_before_ack(&mut self, cpu: Cpu) {
        let cpu = usize::from(cpu) % MAX_CPUS;
        self.complete(cpu, false, |flush| flush.stage.has(Stage::BEFORE_ACK));
    }

    /// The flushes of a CPU of which `is_complete` says so commit, and are done.
    fn complete(
        &mut self,
        cpu: usize,
        unacknowledged: bool,
        mut is_complete: impl FnMut(&mut Flush) -> bool,
    ) {
        let mut before = 0;
        let mut lines = std::mem::take(&mut self.cpus[cpu].flushing);
        lines.retain(|&line| {
            let mut flushes = std::mem::take(&mut self.lines[line as usize].flushes);
            let mut left = false;
            flushes.retain_mut(|flush| {
                if flush.cpu != cpu {
                    return true;
                }
                if is_complete(flush) {
                    self.commit_flush(flush, unacknowledged);
                    return false;
                }
                before += u32::from(flush.stage.has(Stage::BEFORE_STORES));
                left = true;
                true
            });
            self.lines[line as usize].flushes = flushes;
            left
        });
        self.cpus[cpu].flushing = lines;
        self.cpus[cpu].before_stores = before;
    }

    fn commit_flush(&mut self, flush: &Flush, unacknowledged: bool) {
        let cpu = flush.cpu;
        let line = flush.line as usize;
        if self.unacknowledged > 0 && !unacknowledged && !flush.own {
            self.acknowledge(flush);
        }
        if self.lines[line].head == NONE {
            return;
        }
        self.load(line);
        self.forced.clear();
        for &node in &self.scratch {
            let store = self.slab.get(node);
            self.forced.push(flush.covers(store) && store.dropped == 0);
        }
        self.close();
        self.settle(line, cpu, unacknowledged);
    }

    /// Another CPU may have waited for what was durable by order only.
    fn acknowledge(&mut self, flush: &Flush) {
        for cpu in &mut self.cpus {
            let Some(stores) = cpu.unacknowledged.get_mut(&flush.line) else {
                continue;
            };
            let before = stores.len();
            stores.retain(|store| !flush.covers(store));
            self.unacknowledged -= before - stores.len();
        }
    }

    /// eADR: everything that this CPU stored has left the core.
    fn commit_cpu(&mut self, cpu: usize) {
        let mut lines = self.dirty.clone();
        lines.sort_unstable();
        self.scratch.clear();
        for &line in &lines {
            self.extend(line as usize);
        }
        let slab = &self.slab;
        self.scratch.sort_by_key(|&node| slab.get(node).seq);
        self.forced.clear();
        self.forced.extend(
            self.scratch
                .iter()
                .map(|&n| usize::from(slab.get(n).cpu) == cpu),
        );
        self.close();
        let forced = self.forced_nodes();
        for line in lines {
            self.load(line as usize);
            self.forced.clear();
            let on = |n: &u32| forced.binary_search(n).is_ok();
            self.forced.extend(self.scratch.iter().map(on));
            self.settle(line as usize, cpu, false);
        }
    }

    /// A workload begins: what memory holds is durable, whatever was done before.
    pub(crate) fn commit_all(&mut self) {
        while let Some(&line) = self.dirty.last() {
            self.load(line as usize);
            self.forced.clear();
            self.forced.resize(self.scratch.len(), true);
            self.settle(line as usize, 0, false);
        }
        for cpu in &mut self.cpus {
            for line in cpu.flushing.drain(..) {
                self.lines[line as usize].flushes.clear();
            }
            cpu.before_stores = 0;
            cpu.unacknowledged.clear();
        }
        self.unacknowledged = 0;
    }

    /// Forgets what happened. These lines hold this now, by address, and that is durable; the
    /// others hold what the CPUs saw.
    pub fn restart<'a>(&mut self, lines: impl Iterator<Item = (u64, &'a [u8])>) {
        self.commit_all();
        for (addr, content) in lines {
            let start = (addr - self.base) as usize;
            self.durable[start..start + content.len()].copy_from_slice(content);
            self.live[start..start + content.len()].copy_from_slice(content);
        }
        self.changed.clear();
        self.violations.clear();
        for cpu in &mut self.cpus {
            *cpu = CpuState::default();
        }
        (self.seq, self.hash, self.cost) = (0, 0, Cost::default());
    }

    /// The forced nodes' numbers, ascending.
    fn forced_nodes(&self) -> Vec<u32> {
        let pairs = self.scratch.iter().zip(&self.forced);
        let mut nodes: Vec<u32> = pairs.filter(|(_, f)| **f).map(|(n, _)| *n).collect();
        nodes.sort_unstable();
        nodes
    }

    fn load(&mut self, line: usize) {
        self.scratch.clear();
        self.extend(line);
    }

    fn extend(&mut self, line: usize) {
        let mut at = self.lines[line].head;
        while at != NONE {
            self.scratch.push(at);
            at = self.slab.get(at).next;
        }
    }

    /// Closes `forced` downwards. Newest first, so that one pass is enough.
    fn close(&mut self) {
        // Cheap and usual: nothing unforced is older than anything forced.
        let Some(last) = self.forced.iter().rposition(|&f| f) else {
            return;
        };
        if self.forced[..last].iter().all(|&f| f) {
            return;
        }
        for later in (0..=last).rev() {
            for earlier in 0..later {
                if self.forced[later] && !self.forced[earlier] {
                    let a = self.slab.get(self.scratch[earlier]);
                    let b = self.slab.get(self.scratch[later]);
                    self.forced[earlier] = rules::ordered(&self.profile, a, b);
                }
            }
        }
    }

    /// Makes the forced stores of a line durable and unlinks them.
    fn settle(&mut self, line: usize, cpu: usize, unacknowledged: bool) {
        if !self.forced.contains(&true) {
            return;
        }
        self.overwrite_dropped();
        self.hash ^= self.line_hash(line);
        let (mut head, mut tail) = (NONE, NONE);
        let at = line << self.shift..(line + 1) << self.shift;
        for i in 0..self.scratch.len() {
            let node = self.scratch[i];
            let store = *self.slab.get(node);
            if self.forced[i] || store.len == 0 {
                store.apply(&mut self.durable[at.clone()]);
                self.lines[line].non_temporal -= u32::from(store.non_temporal());
                if unacknowledged && store.len > 0 {
                    let waiting = &mut self.cpus[cpu].unacknowledged;
                    waiting.entry(store.line).or_default().push(store);
                    self.unacknowledged += 1;
                }
                self.slab.remove(node);
            } else {
                if tail == NONE {
                    head = node;
                } else {
                    self.slab.get_mut(tail).next = node;
                }
                tail = node;
                self.slab.get_mut(node).next = NONE;
            }
        }
        self.hash ^= self.line_hash(line);
        self.changed.push(line as u32);
        (self.lines[line].head, self.lines[line].tail) = (head, tail);
        self.show_all(line);
        let entry = &mut self.lines[line];
        if head == NONE {
            let at = std::mem::replace(&mut entry.dirty, NONE) as usize;
            self.dirty.swap_remove(at);
            if let Some(&moved) = self.dirty.get(at) {
                self.lines[moved as usize].dirty = at as u32;
            }
        }
    }

    /// What the CPUs see of a line of which some stores are durable now.
    fn show_all(&mut self, line: usize) {
        let content = line << self.shift..(line + 1) << self.shift;
        self.live[content.clone()].copy_from_slice(&self.durable[content.clone()]);
        self.unsure[content].fill(false);
        self.lines[line].count = 0;
        self.lines[line].checkpoints.clear();
        let mut at = self.lines[line].head;
        while at != NONE {
            self.show(at);
            at = self.slab.get(at).next;
        }
    }
}
