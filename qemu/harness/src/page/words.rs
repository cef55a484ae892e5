//! The page's sentences.

use super::fate::Fate;
use kpmem_findings::Failure;

/// What was lost.
pub(super) fn headline(failure: &Failure, fates: &[Option<Fate>]) -> String {
    match failure.oracle.as_str() {
        "recovery" => after_crash(failure, fates),
        "untracked" => format!(
            "The simulator missed a store, so its verdicts on this run count for nothing: {}.",
            failure.what
        ),
        _ => sentence(&failure.what),
    }
}

fn after_crash(failure: &Failure, fates: &[Option<Fate>]) -> String {
    let ended = |wanted: &[Fate]| -> Vec<u64> {
        let pairs = failure.timeline.iter().zip(fates);
        let matching = pairs.filter(|(_, fate)| fate.is_some_and(|fate| wanted.contains(&fate)));
        matching.map(|(entry, _)| entry.seq).collect()
    };
    let lost = ended(&[Fate::Lost, Fate::Torn]);
    let torn = ended(&[Fate::Torn]);
    let survived = ended(&[Fate::Survived]);
    let crash = format!("A crash after event {}", failure.events);
    let Some(oldest) = lost.first() else {
        if failure.left_out > 0 && failure.lines.iter().any(|line| line.image != line.live) {
            return format!(
                "{crash} loses what was stored before the events that are shown, and was not durable yet."
            );
        }
        return format!(
            "{crash} loses nothing, and still recovery fails: the mistake is not a missing flush."
        );
    };
    let newer: Vec<_> = survived.iter().filter(|seq| *seq > oldest).collect();
    let verb = match torn.len() {
        0 => "loses",
        n if n == lost.len() => "tears",
        _ => "loses or tears",
    };
    let (events, all) = (list(&lost), lost.len() + survived.len());
    let loses = match (lost.len(), all) {
        (1, 1) => format!("{verb} the store of event {events}, which was not durable yet"),
        (1, _) => format!("{verb} the store of event {events}, one of {all} not durable yet"),
        (n, _) if n == all => format!("{verb} all {n} stores not durable yet, events {events}"),
        (n, _) => format!("{verb} {n} of {all} stores not durable yet, events {events}"),
    };
    match newer[..] {
        [] => format!("{crash} {loses}."),
        [one] => format!("{crash} {loses}, but keeps the newer one of event {one}."),
        [..] => format!("{crash} {loses}, but keeps {} newer ones.", newer.len()),
    }
}

/// `3–5, 7`, in ascending order.
fn list(numbers: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &n in numbers {
        match runs.last_mut() {
            Some((_, last)) if n == *last + 1 => *last = n,
            _ => runs.push((n, n)),
        }
    }
    const SHOWN: usize = 4;
    let mut parts: Vec<_> = runs
        .iter()
        .take(SHOWN)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                // Joined such that no line ends inside.
                format!("{first}\u{2060}–\u{2060}{last}")
            }
        })
        .collect();
    if runs.len() > SHOWN {
        parts.push("…".to_owned());
    }
    parts.join(", ")
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    let end = if text.ends_with('.') { "" } else { "." };
    first.unwrap_or_default() + chars.as_str() + end
}

/// In which order the CPUs ran.
pub(super) fn schedule(name: &str) -> String {
    let each = "Each CPU ran until it waited for another.";
    let switches = name.split('+').filter_map(|switch| switch.split_once("to"));
    let switches =
        switches.map(|(step, cpu)| format!("after step {step} CPU {cpu} went on instead"));
    match switches.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => each.to_owned(),
        all => format!("{each} But {all}."),
    }
}

/// What recovery said of it; where it was not asked, what the finding means.
pub(super) fn answer(failure: &Failure, workload: &str) -> String {
    let verdict = match (failure.oracle.as_str(), failure.verdict) {
        ("recovery", Some(verdict)) => verdict,
        ("recovery", None) => return sentence(&failure.what),
        ("contract", _) => {
            return "A claim is the guest's word that a persist or drain has returned: from then on \
                    no power failure may lose those bytes. Recovery was not asked."
                .to_owned();
        }
        ("torn", _) => {
            return "A durable copy must store each aligned 8-byte word that lies in its range as \
                    one: who reads such a word after a crash finds the old or the new one. \
                    Recovery was not asked."
                .to_owned();
        }
        _ => {
            return "At each claim and at the end what memory holds is compared with what the stores say. \
                    A difference is a mistake of the simulator, or of a device that writes memory \
                    behind the CPUs."
                .to_owned();
        }
    };
    let meaning = match (workload, verdict) {
        ("log" | "slots", 1) => " Something that was acknowledged is missing.",
        ("log" | "slots", 2) => " Something that was committed is damaged.",
        _ => "",
    };
    format!(
        "{} (0 is success).{meaning}",
        sentence(&failure.what).trim_end_matches('.')
    )
}

/// What the platform allows.
pub(super) fn platform(profile: &str) -> &'static str {
    match profile {
        "px86" => {
            "Intel x86 with ADR: each line may survive up to any point of its own program order, \
             until clwb, clflushopt or clflush, then sfence, have made it certain; non-temporal \
             stores survive word by word until sfence."
        }
        "amd" => {
            "AMD x86 with ADR: each line may survive up to any point of its own program order, \
             until a flush and a fence have made it certain; after clflush only mfence will do."
        }
        "arm" => {
            "Arm with a point of persistence: any 8-byte words written to a line may survive \
             without the others, unless a barrier orders them, until dc cvap and a full-system \
             dsb have made them certain."
        }
        "riscv" => {
            "RISC-V with Zicbom: any 8-byte words written to a line may survive without the \
             others, unless a fence orders them, until cbo.clean and a fence that covers the \
             acknowledgement have made them certain."
        }
        "eadr" => {
            "Caches that survive (eADR): no flush is needed, but what has not left the CPU's \
             store buffer can still be lost until a fence."
        }
        "torn8" => {
            "A stricter machine than any (torn8): any aligned 8-byte words may survive without \
             the others, unless a barrier orders them, until a flush and a fence."
        }
        _ => "",
    }
}
