//! What became of each store, by what it wrote and what the crash left.

use super::grid::{self, Content};
use anyhow::{Context, Result};
use kpmem_findings::{Entry, Failure};

/// A store's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was certain to survive.
    Durable,
    /// It was not certain, and survived.
    Survived,
    /// It was not certain, and is gone.
    Lost,
    /// A part of it survived.
    Torn,
    /// Another store that was not certain either took its place.
    Overwritten,
    /// It wrote what was durable already: nobody can tell.
    Same,
    /// It was not certain, and nothing crashed.
    AtRisk,
}

impl Fate {
    /// In a word or two.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Survived => "survived",
            Self::Lost => "lost",
            Self::Torn => "torn",
            Self::Overwritten => "overwritten",
            Self::Same => "no change",
            Self::AtRisk => "at risk",
        }
    }

    /// Its style on the page.
    pub(super) fn style(self) -> &'static str {
        match self {
            Self::Durable | Self::Same | Self::Overwritten => "certain",
            Self::Survived => "kept",
            Self::Lost => "lost",
            Self::Torn => "mixed",
            Self::AtRisk => "risk",
        }
    }
}

/// The fate of each entry of the timeline; `None` for what is not a store.
pub(super) fn of_stores(failure: &Failure, lines: &[Content]) -> Result<Vec<Option<Fate>>> {
    let crashed = failure.oracle == "recovery";
    let of = |entry: &Entry| {
        if entry.kind != "store" {
            return Ok(None);
        }
        let pending = matches!(entry.state.as_deref(), Some("pending" | "flushed"));
        let value = grid::bytes(&entry.text)
            .with_context(|| format!("the store of event {}", entry.seq))?;
        let fate = match (pending, crashed) {
            (false, _) => Fate::Durable,
            (true, false) => Fate::AtRisk,
            (true, true) => after_crash(entry.addr.unwrap_or_default(), &value, lines),
        };
        Ok(Some(fate))
    };
    failure.timeline.iter().map(of).collect()
}

fn after_crash(addr: u64, value: &[u8], lines: &[Content]) -> Fate {
    let (mut kept, mut lost, mut replaced) = (false, false, false);
    for (offset, &byte) in (0..).zip(value) {
        let addr = addr.wrapping_add(offset);
        let found = lines.iter().find_map(|l| Some((l, l.index(addr)?)));
        let Some((line, index)) = found else {
            continue;
        };
        match (line.durable[index], line.image[index]) {
            (durable, _) if durable == byte => {}
            (_, image) if image == byte => kept = true,
            (durable, image) if image == durable => lost = true,
            _ => replaced = true,
        }
    }
    match (kept, lost, replaced) {
        (true, true, _) => Fate::Torn,
        (true, false, _) => Fate::Survived,
        (false, true, _) => Fate::Lost,
        (false, false, true) => Fate::Overwritten,
        (false, false, false) => Fate::Same,
    }
}
