//! The contract and audit oracles.

use crate::event::Cpu;
use crate::fault::{Fault, Mismatch, Violation};
use crate::pending::{NONE, Pending};
use crate::state::State;

/// Stores of a line that one claim is told of.
const MOST: usize = 64;

impl State {
    pub(crate) fn claim(&mut self, cpu: Cpu, addr: u64, len: u64, id: u64) {
        self.commit_before_ack(cpu);
        let mut violations = std::mem::take(&mut self.violations);
        let report = |store: &Pending, (start, end): (u64, u64), fault| Violation {
            id,
            seq: self.seq,
            cpu,
            addr: start,
            len: end - start,
            stored_by: store.cpu,
            stored_at: store.seq,
            fault,
        };
        let lines = self.tracked_lines(addr, len);
        let numbers = lines.start as u32..lines.end as u32;
        let before = violations.len();
        for line in lines.filter(|&line| self.lines[line].head != NONE) {
            for store in self.pending(line) {
                let (start, end) = self.part(store, addr, len);
                let unsure = |byte: &u64| self.unsure[(byte - self.base) as usize];
                let first = (start..end).find(unsure);
                let last = (start..end).rev().find(unsure);
                if let (Some(first), Some(last)) = (first, last) {
                    violations.push(report(store, (first, last + 1), self.fault(store)));
                }
                if violations.len() - before == MOST {
                    break;
                }
            }
        }
        let waiting = self
            .cpus
            .iter()
            .flat_map(|cpu| cpu.unacknowledged.range(numbers.clone()));
        for store in waiting.flat_map(|(_, stores)| stores) {
            let (start, end) = self.part(store, addr, len);
            if start < end {
                violations.push(report(store, (start, end), Fault::NotAcknowledged));
            }
        }
        self.violations = violations;
    }

    /// The first byte of a store within a range, and the one behind its last.
    fn part(&self, store: &Pending, addr: u64, len: u64) -> (u64, u64) {
        let at = self.address(store);
        let end = (at + u64::from(store.len)).min(addr.saturating_add(len));
        (at.max(addr).min(end), end)
    }

    /// The tracked lines of a range.
    pub(crate) fn tracked_lines(&self, addr: u64, len: u64) -> std::ops::Range<usize> {
        let end = self.base + self.durable.len() as u64;
        let first = addr.max(self.base);
        let last = addr.saturating_add(len).min(end);
        if len == 0 || first >= last {
            return 0..0;
        }
        let line = |addr: u64| ((addr - self.base) >> self.shift) as usize;
        line(first)..line(last - 1) + 1
    }

    /// All pending stores, line by line.
    pub fn all_pending(&self) -> impl Iterator<Item = &Pending> {
        let mut dirty = self.dirty.clone();
        dirty.sort_unstable();
        dirty
            .into_iter()
            .flat_map(|line| self.pending(line as usize))
    }

    /// What a claim of a pending store would be told.
    pub fn fault(&self, store: &Pending) -> Fault {
        if store.dropped != 0 {
            return Fault::Dropped;
        }
        let mut flushes = self.lines[store.line as usize].flushes.iter();
        if flushes.any(|flush| flush.covers(store)) {
            Fault::NotFenced
        } else if store.missed {
            Fault::NotSeen
        } else {
            Fault::NotFlushed
        }
    }

    /// Compares what the CPUs should see with what is in memory, all of it; differences mean that a
    /// store was not reported.
    pub fn audit<'a>(&'a self, memory: &'a [u8]) -> impl Iterator<Item = Mismatch> + 'a {
        self.compare(self.base, memory.len() as u64, memory)
    }

    /// The same for the lines of a range.
    pub fn compare<'a>(
        &'a self,
        addr: u64,
        len: u64,
        memory: &'a [u8],
    ) -> impl Iterator<Item = Mismatch> + 'a {
        self.tracked_lines(addr, len).filter_map(move |line| {
            let start = line << self.shift;
            let live = self.live_line(line);
            let actual = &memory[start..start + live.len()];
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
