//! A failure as a person wants to see it: the lines concerned, and all that happened to them.

use std::collections::BTreeMap;

use kpmem_findings::{Entry, Failure, LineView, Range};
use kpmem_model::{
    Event, State,
    fault::{Fault, Mismatch, Violation},
};

use crate::{
    describe::{self, counted, hex},
    trace::Trace,
};

/// The newest events that a timeline shows.
const SHOWN: usize = 400;

/// A claim about bytes that a crash could lose.
pub fn contract(state: &State, trace: &Trace, violation: &Violation) -> Failure {
    let Violation {
        id,
        addr,
        len,
        cpu,
        stored_by,
        stored_at,
        fault,
        ..
    } = *violation;
    let (kind, why) = match fault {
        Fault::NotFlushed => ("not-flushed", "no flush covers the store"),
        Fault::NotFenced => (
            "not-fenced",
            "its flush was not waited for by the CPU that made it",
        ),
        Fault::Dropped => (
            "dropped",
            "its line was dropped from the cache before it was written back",
        ),
        Fault::NotSeen => (
            "not-seen",
            "the CPU that flushed its line had not seen the store",
        ),
        Fault::NotAcknowledged => (
            "not-acknowledged",
            "its fence does not come before a device write",
        ),
    };
    let lines = vec![view(state, addr, |content| content.live.clone())];
    let (timeline, left_out) = entries(state, &trace.events, &trace.sites, &lines);
    Failure {
        workload: trace.begin(),
        schedule: None,
        id: format!("claim-{}", violation.seq),
        oracle: "contract".to_owned(),
        fault: Some(kind.to_owned()),
        what: format!(
            "claim {id} of CPU {cpu} says that memory at {addr:#x} is durable, but a crash can lose {}: {why} \
             (event {stored_at}, CPU {stored_by})",
            counted(len, "byte")
        ),
        verdict: None,
        events: state.seq(),
        claims: id,
        about: Some(Range { addr, len }),
        timeline,
        left_out,
        lines,
    }
}

/// A copy that stored an aligned word in parts, the last of which was event `stored_at`.
pub fn torn(state: &State, trace: &Trace, claim: u64, addr: u64, stored_at: u64) -> Failure {
    let lines = vec![view(state, addr, |content| content.live.clone())];
    let (timeline, left_out) = entries(state, &trace.events, &trace.sites, &lines);
    Failure {
        workload: trace.begin(),
        schedule: None,
        id: format!("torn-{}", state.seq() + 1),
        oracle: "torn".to_owned(),
        fault: None,
        what: format!(
            "the aligned word at {addr:#x} is stored in parts (event {stored_at}), so that a \
             crash can leave half of it"
        ),
        verdict: None,
        events: state.seq(),
        claims: claim,
        about: Some(Range { addr, len: 8 }),
        timeline,
        left_out,
        lines,
    }
}

/// Memory that is not what the stores say.
pub fn untracked(state: &State, trace: &Trace, mismatch: Mismatch, word: u64) -> Failure {
    let Mismatch {
        addr,
        model,
        memory,
    } = mismatch;
    let lines = vec![view(state, addr, |content| content.live.clone())];
    let (timeline, left_out) = entries(state, &trace.events, &trace.sites, &lines);
    Failure {
        workload: trace.begin(),
        schedule: None,
        id: format!("untracked-{addr:x}"),
        oracle: "untracked".to_owned(),
        fault: None,
        what: format!(
            "the byte at {addr:#x} is {memory:#04x}, but the stores seen make it {model:#04x}: {}",
            likely(mismatch, word)
        ),
        verdict: None,
        events: state.seq(),
        claims: 0,
        about: Some(Range { addr, len: 1 }),
        timeline,
        left_out,
        lines,
    }
}

/// What may have stored there: nothing of this is reported by QEMU.
fn likely(
    Mismatch {
        addr,
        model,
        memory,
    }: Mismatch,
    word: u64,
) -> &'static str {
    // Accessed and dirty bits: 5 and 6 of an entry on x86, 6 and 7 on RISC-V, 10 on Arm; an entry
    // has bit 0.
    let bits = model ^ memory;
    let low = addr.is_multiple_of(8) && bits & !0xe0 == 0;
    let arm = addr % 8 == 1 && bits == 0x04;
    if (low || arm) && word & 1 == 1 {
        "most likely the CPU set an accessed or dirty bit of a page table that lies here"
    } else {
        "a store that QEMU does not report: an exception frame, a device (DMA), another process, or \
         an instruction that it emulates out of sight (Arm SET and CPY)"
    }
}

pub fn line_start(state: &State, addr: u64) -> u64 {
    addr / state.line() as u64 * state.line() as u64
}

pub fn view(state: &State, addr: u64, image: impl Fn(&LineView) -> String) -> LineView {
    let addr = line_start(state, addr);
    let line = state.line_of(addr).expect("a tracked line");
    let mut view = LineView {
        addr,
        durable: hex(state.durable_line(line)),
        image: String::new(),
        live: hex(state.live_line(line)),
    };
    view.image = image(&view);
    view
}

/// What touched the lines, and every barrier and mark, up to the moment of the state; and how many
/// older ones are left out.
pub fn entries(
    state: &State,
    events: &[Event],
    sites: &[u64],
    lines: &[LineView],
) -> (Vec<Entry>, u64) {
    let concerns = |event: &Event| {
        let (first, last) = match event {
            Event::Store(store) => (store.addr, store.addr + store.value().len() as u64 - 1),
            Event::Flush { addr, .. } | Event::Reads { addr, .. } => (*addr, *addr),
            Event::Barrier { .. } | Event::Sees { .. } | Event::Mark { .. } => return true,
        };
        let concerned = |addr| lines.iter().any(|l| l.addr == line_start(state, addr));
        concerned(first) || concerned(last)
    };
    let happened = events.iter().zip(sites).zip(1..=state.seq());
    let shown: Vec<_> = happened.filter(|((event, _), _)| concerns(event)).collect();
    let left_out = shown.len().saturating_sub(SHOWN);
    let pending = pending(state);
    let newest = shown[left_out..].iter();
    let entries = newest.map(|((event, pc), seq)| describe::entry(event, **pc, *seq, &pending));
    (entries.collect(), left_out as u64)
}

/// The stores that are not certain to survive, by event, and whether a flush covers all of each.
fn pending(state: &State) -> BTreeMap<u64, bool> {
    let mut pending = BTreeMap::new();
    for store in state.all_pending() {
        let flushed = !matches!(state.fault(store), Fault::NotFlushed | Fault::Dropped);
        *pending.entry(store.seq).or_insert(true) &= flushed;
    }
    pending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dirty_bit_is_known_by_its_place() {
        let at = |addr, model, memory| Mismatch {
            addr,
            model,
            memory,
        };
        let page_table = |mismatch, word| likely(mismatch, word).contains("page table");
        assert!(
            page_table(at(0x1000, 0x03, 0x63), 0x8000_0063),
            "x86: accessed and dirty"
        );
        assert!(page_table(at(0x1008, 0x0f, 0xcf), 0x2000_00cf), "RISC-V");
        assert!(
            page_table(at(0x1009, 0x03, 0x07), 0x4000_0703),
            "Arm: the access flag"
        );
        assert!(!page_table(at(0x1000, 0x02, 0x62), 0x62), "no entry");
        assert!(
            !page_table(at(0x1003, 0x03, 0x23), 0x2300_0001),
            "elsewhere in the word"
        );
        assert!(!page_table(at(0x1000, 0x00, 0xff), 0xff), "other bits");
    }
}
