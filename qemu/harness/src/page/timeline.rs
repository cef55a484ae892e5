//! The rows of the timeline: what each CPU did, and what became of it.

use super::{
    Context,
    fate::Fate,
    grid::{self, Content},
    symbols::{Frame, Symbols},
};
use kpmem_findings::{Entry, Failure};

/// Rows before the first store at stake that are shown at once, for their context.
const BEFORE: usize = 3;
/// Rows that are shown at once when nothing is at stake.
const NEWEST: usize = 40;
/// So few older rows are not worth folding away.
const FEW: usize = 5;
/// Callers that a row names.
const CALLERS: usize = 2;

/// All rows.
pub(super) struct Timeline {
    /// The CPUs that did something, a lane for each.
    pub(super) cpus: Vec<u8>,
    /// Rows to fold away.
    pub(super) earlier: Vec<Row>,
    /// Rows to see at once.
    pub(super) recent: Vec<Row>,
    /// Events that are older than any row.
    pub(super) left_out: u64,
    /// What ends it.
    pub(super) end: String,
}

/// An event.
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) cpu: u8,
    /// `store`, `flush`, `barrier`, `mark`, and a style of the page.
    pub(super) kind: &'static str,
    pub(super) text: String,
    /// What was stored.
    pub(super) value: String,
    pub(super) order: String,
    pub(super) fate: Option<Fate>,
    /// How far a store had got that was not certain.
    pub(super) progress: &'static str,
    /// Where in the source; `None` if it is where the row above is.
    pub(super) place: Option<Place>,
    /// It touches the very bytes that the failure is about.
    pub(super) about: bool,
}

/// A place in the guest's source.
pub(super) struct Place {
    pub(super) function: String,
    pub(super) at: String,
    /// Its callers, as far as they are known.
    pub(super) callers: Vec<Caller>,
}

/// A function that was inlined around a place.
pub(super) struct Caller {
    pub(super) function: String,
    pub(super) at: String,
}

impl Timeline {
    pub(super) fn new(
        failure: &Failure,
        context: &Context,
        lines: &[Content],
        fates: &[Option<Fate>],
        symbols: &Symbols,
    ) -> Self {
        let entries = &failure.timeline;
        let at_stake = |fate: &Option<Fate>| fate.is_some_and(|fate| fate != Fate::Durable);
        let split = match fates.iter().position(at_stake) {
            Some(first) => first.saturating_sub(BEFORE),
            None => entries.len().saturating_sub(NEWEST),
        };
        let split = if split <= FEW { 0 } else { split };
        let row = |(index, (entry, fate)): (usize, (&Entry, &Option<Fate>))| {
            let same = |above: &Entry| (above.pc, above.cpu) == (entry.pc, entry.cpu);
            let repeats = index != split && index > 0 && same(&entries[index - 1]);
            Row {
                seq: entry.seq,
                cpu: entry.cpu,
                kind: kind(&entry.kind),
                text: text(entry, lines),
                value: value(entry),
                order: entry.order.clone().unwrap_or_default(),
                fate: *fate,
                progress: progress(entry, *fate, &context.profile),
                place: (!repeats).then(|| place(entry.pc, &symbols.frames(entry.pc))),
                about: is_about(entry, failure),
            }
        };
        let mut rows: Vec<_> = entries.iter().zip(fates).enumerate().map(row).collect();
        let recent = rows.split_off(split);
        let mut cpus: Vec<_> = entries.iter().map(|entry| entry.cpu).collect();
        cpus.sort_unstable();
        cpus.dedup();
        Self {
            cpus,
            earlier: rows,
            recent,
            left_out: failure.left_out,
            end: match failure.oracle.as_str() {
                "recovery" => format!("the power fails after event {}", failure.events),
                "contract" => "this claim is wrong".to_owned(),
                _ => "memory and model are compared".to_owned(),
            },
        }
    }
}

/// The styles are ours, whatever a report calls its events.
fn kind(kind: &str) -> &'static str {
    match kind {
        "store" => "store",
        "flush" => "flush",
        "barrier" => "barrier",
        _ => "mark",
    }
}

fn text(entry: &Entry, lines: &[Content]) -> String {
    let place = |addr: u64| {
        let mut found = lines.iter().enumerate();
        let named = found.find_map(|(index, line)| Some((index, line.index(addr)?)));
        match named {
            Some((index, offset)) => format!("{}+{offset:#04x}", grid::label(index)),
            None => format!("{addr:#x}"),
        }
    };
    match (entry.kind.as_str(), entry.addr) {
        ("store", Some(addr)) => place(addr),
        (_, Some(addr)) => {
            let line = lines.iter().position(|line| line.index(addr).is_some());
            let line = line.map_or_else(|| format!("{addr:#x}"), grid::label);
            format!("{} {line}", entry.text)
        }
        (_, None) => entry.text.clone(),
    }
}

/// A number where the store wrote one, bytes elsewhere.
fn value(entry: &Entry) -> String {
    if entry.kind != "store" {
        return String::new();
    }
    match grid::bytes(&entry.text) {
        Ok(bytes) if [1, 2, 4, 8].contains(&bytes.len()) => grid::value(&bytes),
        Ok(bytes) if bytes.len() == 16 => {
            let (low, high) = bytes.split_at(8);
            format!("{} {}", grid::value(low), grid::value(high))
        }
        _ => entry.text.clone(),
    }
}

fn progress(entry: &Entry, fate: Option<Fate>, profile: &str) -> &'static str {
    match (fate, entry.state.as_deref()) {
        (None | Some(Fate::Durable), _) => "",
        // Where caches survive, nobody has to flush.
        _ if profile == "eadr" => "not fenced",
        (_, Some("flushed")) => "flushed, not fenced",
        _ => "not flushed",
    }
}

fn is_about(entry: &Entry, failure: &Failure) -> bool {
    let (Some(range), "store", Some(addr)) = (&failure.about, entry.kind.as_str(), entry.addr)
    else {
        return false;
    };
    let len = entry.text.len() as u64 / 2;
    addr < range.addr.saturating_add(range.len) && range.addr < addr.saturating_add(len)
}

fn place(pc: u64, frames: &[Frame]) -> Place {
    // What the compiler inlined from Rust's library is not what the author wrote.
    let own = |frame: &&Frame| frame.source.as_ref().is_some_and(|source| !source.foreign);
    let mut chain: Vec<_> = frames.iter().filter(own).collect();
    if chain.is_empty() {
        chain = frames.iter().collect();
    }
    let at = |frame: &Frame, short: bool| {
        let path = frame.source.as_ref().map_or("", |s| s.path.as_str());
        let path = match path.rsplit_once('/') {
            Some((_, name)) if short => name,
            _ => path,
        };
        match frame.line {
            Some(line) => format!("{path}:{line}"),
            None => path.to_owned(),
        }
    };
    let Some((inner, outer)) = chain.split_first() else {
        return Place {
            function: match pc {
                0 => String::new(),
                pc => format!("{pc:#x}"),
            },
            at: String::new(),
            callers: Vec::new(),
        };
    };
    // A closure goes by the name of its function, which is the next.
    let named = |frame: &&&Frame| !frame.function.contains("{closure");
    let caller = |frame: &&Frame| Caller {
        function: frame.function.clone(),
        at: at(frame, true),
    };
    Place {
        function: chain.iter().find(named).unwrap_or(inner).function.clone(),
        at: at(inner, false),
        callers: outer
            .iter()
            .filter(named)
            .take(CALLERS)
            .map(caller)
            .collect(),
    }
}
