//! In what the two may differ, and whether they do in nothing else.

use anyhow::{Result, bail};

/// A line of the twin program, what PMDK's library has it print, and what ours has.
struct Known {
    line: &'static str,
    peer: &'static str,
    ours: &'static str,
}

const fn known(line: &'static str, peer: &'static str, ours: &'static str) -> Known {
    Known { line, peer, ours }
}

/// The numbers are those of the list of defects in the contract; 0 is misuse, which is an error here
/// and whatever comes of it there.
const KNOWN: &[Known] = &[
];

/// Nothing, if the lines are the same but for what is known; all of that must be as it is known.
pub(super) fn differences(peer: &[String], ours: &[String]) -> Result<()> {
    if peer.len() != ours.len() {
        let first = peer.iter().zip(ours).find(|(peer, ours)| peer != ours);
        bail!(
            "{} lines and {}, which differ first in {first:?}",
            peer.len(),
            ours.len()
        );
    }
    let mut odd = Vec::new();
    for (peer, ours) in peer.iter().zip(ours) {
        let as_known = KNOWN.iter().any(|known| {
            let line = |value| format!("{}: {value}", known.line);
            *peer == line(known.peer) && *ours == line(known.ours)
        });
        let defect = peer.starts_with("defect ");
        if !as_known && (defect || peer != ours) {
            odd.push(format!("PMDK's: {peer:?}, ours: {ours:?}"));
        }
    }
    if !odd.is_empty() {
        bail!("{} lines: {}", odd.len(), odd.join("; "));
    }
    Ok(())
}
