//! Stores that are not certainly durable yet, in a slab: no allocation once it has grown.

use crate::event::{Cpu, MAX_STORE, StoreOrder};

/// No node.
pub(crate) const NONE: u32 = u32::MAX;

/// A store, or an atomic piece of one, that a crash may or may not show.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// The value; the first `len` bytes count.
    pub(crate) bytes: [u8; MAX_STORE],
    /// Number of the event that stored it.
    pub seq: u64,
    pub(crate) next: u32,
    /// Which line.
    pub line: u32,
    /// How many store-ordering barriers its CPU had executed.
    pub epoch: u32,
    /// Where in the line.
    pub offset: u8,
    /// How many bytes.
    pub len: u8,
    /// Who stored.
    pub cpu: Cpu,
    /// How.
    pub order: StoreOrder,
    /// Number of the event that dropped its line unwritten; 0 if none did.
    pub dropped: u64,
    /// The CPUs that have loaded it.
    pub seen_by: u64,
    /// A CPU that had not seen it has flushed its line.
    pub missed: bool,
    /// Stores of one CPU with the same number have no order among them.
    pub group: u64,
}

impl Pending {
    /// The bytes that were stored.
    pub fn value(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// True for a write-combining store.
    pub fn non_temporal(&self) -> bool {
        self.order.has(StoreOrder::NON_TEMPORAL)
    }

    pub(crate) fn release(&self) -> bool {
        self.order.has(StoreOrder::RELEASE)
    }

    pub(crate) fn acquire(&self) -> bool {
        self.order.has(StoreOrder::ACQUIRE)
    }

    /// True if both write some byte.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.line == other.line
            && u16::from(self.offset) < u16::from(other.offset) + u16::from(other.len)
            && u16::from(other.offset) < u16::from(self.offset) + u16::from(self.len)
    }

    /// True if its line was dropped unwritten before `later` was stored: whether this one survives
    /// was decided then.
    pub(crate) fn dropped_before(&self, later: &Self) -> bool {
        self.dropped != 0 && self.dropped < later.seq
    }

    /// Takes over the bytes of a store that is durable, so that it changes nothing there. Its
    /// length is 0 then if nothing else is left of it.
    pub(crate) fn yield_to(&mut self, durable: &Self) {
        let (own, other) = (usize::from(self.offset), usize::from(durable.offset));
        let own_end = own + usize::from(self.len);
        let other_end = other + usize::from(durable.len);
        for at in own.max(other)..own_end.min(other_end) {
            self.bytes[at - own] = durable.bytes[at - other];
        }
        if other <= own && own_end <= other_end {
            self.len = 0;
        }
    }

    /// Writes the store into the content of its line.
    pub(crate) fn apply(&self, line: &mut [u8]) {
        let at = usize::from(self.offset);
        line[at..at + usize::from(self.len)].copy_from_slice(self.value());
    }
}

/// The nodes of all lines' lists.
#[derive(Debug)]
pub(crate) struct Slab {
    nodes: Vec<Pending>,
    free: u32,
}

impl Slab {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free: NONE,
        }
    }

    pub(crate) fn get(&self, index: u32) -> &Pending {
        &self.nodes[index as usize]
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut Pending {
        &mut self.nodes[index as usize]
    }

    pub(crate) fn insert(&mut self, node: Pending) -> u32 {
        if self.free == NONE {
            self.nodes.push(node);
            return (self.nodes.len() - 1) as u32;
        }
        let index = self.free;
        self.free = self.nodes[index as usize].next;
        self.nodes[index as usize] = node;
        index
    }

    pub(crate) fn remove(&mut self, index: u32) -> u32 {
        let next = self.nodes[index as usize].next;
        self.nodes[index as usize].next = self.free;
        self.free = index;
        next
    }
}
