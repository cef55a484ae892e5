//! A crash image that recovery could not make sense of, as a person wants to see it.

use kpmem_findings::{Entry, Failure, LineView};
use kpmem_model::explore::{Explorer, Image};

use crate::{
    describe::{self, counted, hex},
    nested::Name,
    timeline::{entries, line_start, view},
};

/// What was explored, and an image of it that lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub explorer: &'a Explorer<'static>,
    pub sites: &'a [u64],
    pub image: Image,
}

/// A verdict that is not good.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    pub workload: u64,
    pub name: Name,
    pub verdict: u64,
}

/// A crash image that recovery could not make sense of: of the workload, or of a recovery of it
/// that was cut off.
pub fn recovery(first: &Part<'_>, nested: Option<&Part<'_>>, failed: &Failed) -> Failure {
    let lines = lines(nested.unwrap_or(first).explorer);
    let of_part = |part: &Part<'_>| {
        let explorer = part.explorer;
        entries(explorer.state(), explorer.trace(), part.sites, &lines)
    };
    let (mut timeline, mut left_out) = of_part(first);
    let Failed {
        workload,
        name,
        verdict,
    } = *failed;
    let claims = first.image.context.claims;
    let mut events = first.image.events;
    let mut what = format!(
        "recovery answered {verdict} after {}",
        counted(claims, "claim")
    );
    if let Some(nested) = nested {
        let before = first.explorer.state().seq() + 1;
        timeline.push(describe::cut(before));
        let (entries, left) = of_part(nested);
        timeline.extend(entries.into_iter().map(|entry| Entry {
            seq: entry.seq + before,
            ..entry
        }));
        left_out += left;
        events = nested.image.events + before;
        what += &format!(", when an earlier one had been cut off after event {events}");
    }
    Failure {
        workload,
        schedule: None,
        id: name.to_string(),
        oracle: "recovery".to_owned(),
        fault: None,
        what,
        verdict: Some(verdict),
        events,
        claims,
        about: None,
        timeline,
        left_out,
        lines,
    }
}

/// The lines that tell an image from others.
fn lines(explorer: &Explorer<'static>) -> Vec<LineView> {
    let state = explorer.state();
    let mut images = Vec::new();
    explorer.patches(|addr, bytes| images.push((addr, hex(bytes))));
    let mut lines: Vec<_> = images
        .iter()
        .map(|(addr, image)| view(state, *addr, |_| image.clone()))
        .collect();
    // Pending lines of which the image shows nothing are as telling as those of which it shows
    // something.
    for store in state.all_pending() {
        let addr = line_start(state, state.address(store));
        if lines.iter().all(|l| l.addr != addr) {
            lines.push(view(state, addr, |content| content.durable.clone()));
        }
    }
    lines.sort_by_key(|l| l.addr);
    lines
}
