//! The contract and audit oracles.

use crate::event::Cpu;
use crate::fault::{Fault, Mismatch, Violation};
use crate::pending::Pending;
use crate::state::State;

impl State {
    pub(crate) fn claim(&mut self, cpu: Cpu, addr: u64, len: u64, id: u64) {
        self.commit_before_ack(cpu);
        let mut violations = std::mem::take(&mut self.violations);
        let report = |store: &Pending, fault| {
            let (start, end) = self.at_risk(store, addr, len)?;
            Some(Violation {
                id,
                seq: self.seq,
                cpu,
                addr: start,
                len: end - start,
                stored_by: store.cpu,
                stored_at: store.seq,
                fault,
            })
        };
        for store in self.overlapping(addr, len) {
            violations.extend(report(store, self.fault(store)));
        }
        for store in self.cpus.iter().flat_map(|c| &c.unacknowledged) {
            if self.within(store, addr, len) {
                violations.extend(report(store, Fault::NotAcknowledged));
            }
        }
        self.violations = violations;
    }

    /// Pending stores that overlap a range: what a claim of it would be wrong about.
    pub fn overlapping(&self, addr: u64, len: u64) -> impl Iterator<Item = &Pending> {
        let end = self.base + self.durable.len() as u64;
        let first = addr.max(self.base);
        let last = addr.saturating_add(len).min(end);
        let lines = if len == 0 || first >= last {
            0..0
        } else {
            let line = |addr: u64| ((addr - self.base) >> self.shift) as usize;
            line(first)..line(last - 1) + 1
        };
        lines
            .flat_map(|line| self.pending(line))
            .filter(move |store| self.within(store, addr, len))
    }

    fn within(&self, store: &Pending, addr: u64, len: u64) -> bool {
        let at = self.address(store);
        len > 0 && at < addr.saturating_add(len) && addr < at + u64::from(store.len)
    }

    /// What a claim of a pending store would be told.
    pub fn fault(&self, store: &Pending) -> Fault {
        if store.dropped != 0 {
            return Fault::Dropped;
        }
        let covers = |cpu: usize| {
            let own = usize::from(store.cpu) == cpu;
            self.cpus[cpu].flushes.iter().any(|f| {
                f.line == store.line
                    && f.seq >= store.seq
                    && if store.non_temporal() { own } else { !f.own }
            })
        };
        if (0..self.cpus.len()).any(covers) {
            Fault::NotFenced
        } else {
            Fault::NotFlushed
        }
    }

    /// Compares what the CPUs should see with what is in memory; differences mean that a store was
    /// not reported.
    pub fn audit<'a>(&'a self, memory: &'a [u8]) -> impl Iterator<Item = Mismatch> + 'a {
        let mut live = vec![0; 1 << self.shift];
        (0..self.lines.len()).filter_map(move |line| {
            let start = line << self.shift;
            let actual = &memory[start..start + live.len()];
            self.live_line(line, &mut live);
            let at = live.iter().zip(actual).position(|(a, b)| a != b)?;
            let addr = self.base + (start + at) as u64;
            Some(Mismatch {
                addr,
                model: live[at],
                memory: actual[at],
            })
        })
    }
}
