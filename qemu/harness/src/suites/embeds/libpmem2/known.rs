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

/// The numbers are those of the list of defects in the contract; 0 is misuse, which is an error
/// here and whatever comes of it there.
const KNOWN: &[Known] = &[
    known(
        "defect 0: errno of 5, which is no code",
        "signal 6",
        "returned 22",
    ),
    known(
        "defect 0: a map at null is refused",
        "returned 0",
        "returned 1",
    ),
    known(
        "defect 0: a map of no bytes is refused",
        "returned 0",
        "returned 1",
    ),
    known(
        "defect 0: a map over the top is refused",
        "returned 0",
        "returned 1",
    ),
    known(
        "defect 0: granularity 3 is refused",
        "signal 6",
        "returned 1",
    ),
    known(
        "defect 0: a map that was deleted is refused",
        "returned 1",
        "returned 1",
    ),
    known("defect 0: null is no map", "signal 11", "returned 1"),
    known(
        "defect 1: a word that is copied is seen in part",
        "yes",
        "no",
    ),
    known(
        "defect 1: the last word of 72 bytes is seen in part",
        "yes",
        "no",
    ),
    known(
        "defect 2: persist of the first byte of a page map",
        "hangs",
        "returned 0",
    ),
    known(
        "defect 4: persist of no bytes where nothing is mapped",
        "signal 11",
        "returned 0",
    ),
    known("defect 5: deep flush of memory", "0", "-100001"),
    known("defect 5: deep flush of a private map", "0", "-100001"),
    known("defect 5: deep flush of -32 bytes", "0", "-100024"),
    known(
        "defect 5: deep flush of -32 bytes of a file",
        "0",
        "-100024",
    ),
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
    let defects = peer.iter().filter(|line| line.starts_with("defect "));
    if defects.count() < 10 {
        bail!("the program did not try the defects that are known");
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
