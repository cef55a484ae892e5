//! What recovery is known to read next and to say in the end, by what it has read so far.
//!
//! Recovery of a crash image is a function of the image and of what the workload had said. If it is
//! one of the bytes that it is seen to read, two images that agree on these get the same verdict
//! (Gorjiara, Xu, Demsky, "Jaaru: Efficiently Model Checking Persistent Memory Programs", ASPLOS
//! 2021). Whether it is one is checked again and again: two recoveries that have read the same must
//! go on with the same.

use std::collections::HashMap;
use std::fmt;

use crate::choice::Span;

/// Bytes as they were read, the rest 0.
pub(crate) type Value = [u8; 16];

/// What was read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What recovery does when it has read so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It reads these bytes; the number of this moment.
    Reads(u32, Span),
    /// It gives this verdict.
    Says(u64),
}

/// Two recoveries read the same, and went on differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// How many readings they had in common.
    after: usize,
    /// The two verdicts, if it is these that differ.
    verdicts: Option<(u64, u64)>,
}

impl Contradiction {
    /// They went on in two ways after so many readings.
    pub(crate) const fn after(after: usize) -> Self {
        Self {
            after,
            verdicts: None,
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "recovery depends on something that it is not seen to read: after the same {} reading{} ",
            self.after,
            if self.after == 1 { "" } else { "s" }
        )?;
        match self.verdicts {
            Some((one, other)) => write!(f, "it answered {one} once, and {other} another time"),
            None => write!(f, "it went on in two ways"),
        }
    }
}

/// All that is known of one recovery, as a tree.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    root: Option<Next>,
    edges: HashMap<(u32, Value), Next>,
    nodes: u32,
}

impl Readings {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.root = None;
        self.edges.clear();
        self.nodes = 0;
    }

    /// What it does first.
    pub(crate) fn first(&self) -> Option<Next> {
        self.root
    }

    /// What it does when it has read a value at that moment.
    pub(crate) fn after(&self, node: u32, value: &Value) -> Option<Next> {
        self.edges.get(&(node, *value)).copied()
    }

    /// Adds what a recovery read, and what it said.
    pub(crate) fn insert(&mut self, path: &[Reading], verdict: u64) -> Result<(), Contradiction> {
        let mut at = None;
        let does = path.iter().map(|reading| Ok(reading.span));
        for (after, does) in does.chain([Err(verdict)]).enumerate() {
            let new = match does {
                Ok(span) => Next::Reads(self.nodes, span),
                Err(verdict) => Next::Says(verdict),
            };
            let slot = match at {
                None => self.root.get_or_insert(new),
                Some(edge) => self.edges.entry(edge).or_insert(new),
            };
            let next = *slot;
            if next == new {
                self.nodes += u32::from(does.is_ok());
            }
            match (next, does) {
                (Next::Reads(node, known), Ok(span)) if known == span => {
                    at = Some((node, path[after].value));
                }
                (Next::Says(known), Err(verdict)) if known == verdict => {}
                (Next::Says(known), Err(verdict)) => {
                    let verdicts = Some((known, verdict));
                    return Err(Contradiction { after, verdicts });
                }
                _ => return Err(Contradiction::after(after)),
            }
        }
        Ok(())
    }
}
