//! What a workload did, to be replayed.

use kpmem_model::{Event, Mark};

/// An event and the address of the instruction behind it.
#[derive(Debug, Default)]
pub struct Trace {
    pub events: Vec<Event>,
    pub sites: Vec<u64>,
}

impl Trace {
    /// The same memory without the events.
    pub fn emptied(mut self) -> Self {
        self.events.clear();
        self.sites.clear();
        self
    }

    pub fn push(&mut self, event: Event, pc: u64) {
        self.events.push(event);
        self.sites.push(pc);
    }

    /// The workload's number.
    pub fn begin(&self) -> u64 {
        self.events
            .iter()
            .find_map(|e| match e {
                Event::Mark {
                    mark: Mark::Begin { id },
                    ..
                } => Some(*id),
                _ => None,
            })
            .unwrap_or_default()
    }
}
