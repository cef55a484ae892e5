//! Lines that are dropped from the cache unwritten.
//!
//! Whether a store of such a line survives was decided by what the cache had written back by
//! itself: a crash may show it, no later flush makes that certain, and later stores to the line are
//! not ordered behind it. Once such a later store is durable, what it overwrote no longer counts.

use crate::pending::{NONE, Pending};
use crate::state::State;

impl State {
    /// What the CPU has not begun to write back before is lost from the cache. (Arm ARM D7, CMO:
    /// operations of one CPU on one line take effect in program order. Those of another CPU that
    /// are not complete may come too late.)
    pub(crate) fn discard(&mut self, cpu: usize, line: usize) {
        let begun = self.cpus[cpu]
            .flushes
            .iter()
            .filter(|flush| flush.line as usize == line && !flush.own)
            .map(|flush| flush.seq)
            .max()
            .unwrap_or(0);
        let mut at = self.lines[line].head;
        while at != NONE {
            let store = self.slab.get_mut(at);
            if store.seq > begun && store.dropped == 0 {
                store.dropped = self.seq;
            }
            at = store.next;
        }
    }

    /// The forced stores of the loaded line overwrite what was dropped before. Nothing is left of
    /// a store that is overwritten as a whole.
    pub(crate) fn overwrite_dropped(&mut self) {
        for later in 1..self.scratch.len() {
            if !self.forced[later] {
                continue;
            }
            let durable = *self.slab.get(self.scratch[later]);
            for earlier in (0..later).filter(|&earlier| !self.forced[earlier]) {
                let store = self.slab.get_mut(self.scratch[earlier]);
                if store.dropped_before(&durable) {
                    store.yield_to(&durable);
                }
            }
        }
    }

    /// The bytes of a store within a range that a crash may lose: its first and the one behind its
    /// last. Bytes of a dropped store that are the same in the persistence domain are not lost.
    pub(crate) fn at_risk(&self, store: &Pending, addr: u64, len: u64) -> Option<(u64, u64)> {
        let at = self.address(store);
        let start = at.max(addr);
        let end = (at + u64::from(store.len)).min(addr.saturating_add(len));
        if store.dropped == 0 {
            return (start < end).then_some((start, end));
        }
        let differs = |byte: &u64| {
            let durable = self.durable[(byte - self.base) as usize];
            store.value()[(byte - at) as usize] != durable
        };
        let first = (start..end).find(differs)?;
        let last = (start..end).rev().find(differs)?;
        Some((first, last + 1))
    }
}
