//! Lines that are dropped from the cache unwritten.
//!
//! Whether a store of such a line survives was decided by what the cache had written back by
//! itself: a crash may show it, no later flush makes that certain, and later stores to the line are
//! not ordered behind it. Once such a later store is durable, what it overwrote no longer counts.

use crate::pending::NONE;
use crate::state::{Flush, State};

impl State {
    /// What the CPU has not begun to write back before is lost from the cache. (Arm ARM D7, CMO:
    /// operations of one CPU on one line take effect in program order. Those of another CPU that
    /// are not complete may come too late.)
    pub(crate) fn discard(&mut self, cpu: usize, line: usize) {
        let mut at = self.lines[line].head;
        while at != NONE {
            let store = self.slab.get_mut(at);
            let begun = |flush: &Flush| flush.cpu == cpu && !flush.own && flush.covers(store);
            if store.dropped == 0 && !self.lines[line].flushes.iter().any(begun) {
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
}
