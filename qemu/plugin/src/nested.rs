//! Power cuts while recovery runs.
//!
//! What recovery itself stores, flushes and waits for is noted. When it has come to a good verdict
//! the crash images of that are handed to recovery, too: it must be right on them, whatever part of
//! its work a crash has left. What the workload had said is the same as for the first crash.

use std::fmt;

use kpmem_model::{
    Event, State,
    explore::{self, Counts, Explorer, Id, Image},
    hash::{Seen, mix},
};

use crate::{memory::Memory, trace::Trace};

/// Events of one recovery that are noted.
const LONGEST: usize = 1 << 16;

/// A crash image, or one of its recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    pub id: Id,
    /// Of its recovery, which was cut off.
    pub nested: Option<Id>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        self.nested.map_or(Ok(()), |nested| write!(f, "-{nested}"))
    }
}

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut dashes = text.match_indices('-').map(|(at, _)| at);
        let (id, nested) = match dashes.nth(1) {
            Some(at) => (&text[..at], Some(text[at + 1..].parse()?)),
            None => (text, None),
        };
        let id = id.parse()?;
        Ok(Self { id, nested })
    }
}

/// What is done about power cuts while recovery runs.
#[derive(Debug, Default)]
pub struct Nesting {
    /// They are tried; else nothing is noted.
    is_on: bool,
    only: Option<Name>,
    without: Vec<Name>,
    /// What the recovery at hand does.
    trace: Trace,
    has_stored: bool,
    is_too_long: bool,
    /// One that was used: a new one costs much.
    state: Option<State>,
    seen: Seen,
    /// Sums of all.
    pub counts: Counts,
}

impl Nesting {
    /// Some names are of such images.
    pub fn new(is_on: bool, only: Option<Name>, without: &[Name]) -> Self {
        Self {
            is_on,
            only,
            without: without.to_vec(),
            ..Self::default()
        }
    }

    /// Whether anything is noted.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// A recovery begins.
    pub fn begin(&mut self) {
        if self.has_stored || !self.trace.events.is_empty() {
            self.trace = std::mem::take(&mut self.trace).emptied();
        }
        (self.has_stored, self.is_too_long) = (false, false);
    }

    /// It does something.
    pub fn note(&mut self, event: Event, pc: u64) {
        if self.trace.events.len() == LONGEST {
            self.is_too_long = true;
            return;
        }
        self.has_stored |= matches!(event, Event::Store(_));
        self.trace.push(event, pc);
    }

    /// The crash images of the recovery that has just come to its end, if it has stored anything.
    pub fn cut(
        &mut self,
        of: Image,
        new: impl FnOnce(&[u8]) -> State,
        memory: &mut Memory,
        options: &explore::Options,
    ) -> Option<Nested> {
        if !self.is_on || !self.has_stored {
            return None;
        }
        if self.is_too_long {
            self.counts.capped += 1;
            return None;
        }
        let only = match self.only {
            // Another image is wanted, or this one and none of its recovery.
            Some(only) if only.id != of.id || only.nested.is_none() => return None,
            Some(only) => only.nested,
            None => None,
        };
        let of_this = self.without.iter().filter(|name| name.id == of.id);
        let options = explore::Options {
            shard: (0, 1),
            only,
            from: None,
            without: of_this.filter_map(|name| name.nested).collect(),
            ..options.clone()
        };
        let Trace { events, sites } = std::mem::take(&mut self.trace);
        self.has_stored = false;
        let state = match (self.state.take(), memory.moved()) {
            (Some(mut state), Some(moved)) => {
                let line = state.line();
                let content = moved.iter().map(|&addr| (addr, memory.held(addr, line)));
                state.restart(content);
                state
            }
            _ => new(memory.held_all()),
        };
        let mut restore: Vec<(u64, Vec<u8>)> = Vec::new();
        for event in &events {
            let Event::Store(store) = event else { continue };
            let last = store.addr + u64::from(store.len) - 1;
            for addr in [store.addr, last].map(|addr| addr & !(state.line() as u64 - 1)) {
                if let Some(line) = state.line_of(addr) {
                    restore.push((addr, state.durable_line(line).to_vec()));
                }
            }
        }
        restore.sort();
        restore.dedup();
        Some(Nested {
            of,
            explorer: Explorer::new(state, events, options).within(of.context),
            sites,
            restore,
        })
    }

    /// Puts the next image in memory that has not been looked at.
    pub fn next(&mut self, nested: &mut Nested, memory: &mut Memory) -> Option<Image> {
        let Nested { of, explorer, .. } = nested;
        loop {
            let image = explorer.next(|addr, bytes| memory.write(addr, bytes))?;
            // An image of which nothing is changed is the one that it was recovered from.
            let whole = of.id.hash ^ image.id.hash;
            let new = image.id.hash != 0 && self.seen.insert(mix(whole, of.context.hash()));
            if new || image.watched || self.only.is_some() {
                self.counts.taken += u64::from(!image.aside);
                return Some(image);
            }
        }
    }

    /// All of them have been looked at.
    pub fn finish(&mut self, nested: Nested, memory: &mut Memory) {
        let counts = nested.explorer.counts();
        // What is read in recovery's own crash images tells no more than elsewhere.
        if nested.explorer.contradiction().is_some() {
            self.counts.capped += 1;
        }
        self.counts.capped += counts.capped;
        self.counts.left_out += counts.left_out;
        for (addr, bytes) in nested.restore {
            memory.write(addr, &bytes);
        }
        self.state = Some(nested.explorer.into_state());
    }
}

/// The crash images of one recovery.
#[derive(Debug)]
pub struct Nested {
    /// The image that was recovered from.
    pub of: Image,
    pub explorer: Explorer<'static>,
    pub sites: Vec<u64>,
    /// Lines of that image that recovery stored to.
    restore: Vec<(u64, Vec<u8>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back() {
        for text in [
            "12-00000000000000ab",
            "12-00000000000000ab-3-0000000000000001",
        ] {
            let name: Name = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
        }
        assert!("12".parse::<Name>().is_err() && "1-2-x-3".parse::<Name>().is_err());
    }
}
