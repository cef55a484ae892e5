//! Reading the state.

use crate::cost::Cost;
use crate::event::{Cpu, MAX_CPUS};
use crate::fault::Violation;
use crate::hash;
use crate::pending::{NONE, Pending};
use crate::state::{CpuState, State};

impl State {
    /// Bytes in a line.
    pub const fn line(&self) -> usize {
        1 << self.shift
    }

    /// The number of the line that holds `addr`, if it is tracked.
    pub fn line_of(&self, addr: u64) -> Option<usize> {
        let line = (addr.checked_sub(self.base)? >> self.shift) as usize;
        (line < self.lines.len()).then_some(line)
    }

    pub(crate) fn cpu(&self, cpu: Cpu) -> &CpuState {
        &self.cpus[usize::from(cpu) % MAX_CPUS]
    }

    /// What is durable, all of it.
    pub fn durable(&self) -> &[u8] {
        &self.durable
    }

    /// A line's durable content.
    pub fn durable_line(&self, line: usize) -> &[u8] {
        &self.durable[line << self.shift..(line + 1) << self.shift]
    }

    /// A line's content as the CPUs see it: durable, and every pending store.
    pub fn live_line(&self, line: usize) -> &[u8] {
        &self.live[line << self.shift..(line + 1) << self.shift]
    }

    /// The pending stores of a line, oldest first.
    pub fn pending(&self, line: usize) -> impl Iterator<Item = &Pending> {
        let mut at = self.lines[line].head;
        std::iter::from_fn(move || {
            let node = (at != NONE).then(|| self.slab.get(at))?;
            at = node.next;
            Some(node)
        })
    }

    /// The term of a line's durable content in the image hash.
    pub(crate) fn line_hash(&self, line: usize) -> u64 {
        hash::line(line as u32, self.durable_line(line))
    }

    /// The address of a pending store's first byte.
    pub fn address(&self, store: &Pending) -> u64 {
        self.base + (u64::from(store.line) << self.shift) + u64::from(store.offset)
    }

    /// What claims got wrong so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What flushes and fences did so far.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Number of the last event.
    pub const fn seq(&self) -> u64 {
        self.seq
    }
}
