//! Events in words: as an assembler writes the instruction, as a person reads the mark.

use std::collections::BTreeMap;

use kpmem_findings::Entry;
use kpmem_model::{
    Event, Mark,
    event::{Access, Barrier, Domain, FenceSet, FlushKind, StoreOrder},
};

/// One row of a timeline. `pending` has the stores that are not certain to survive, and whether
/// they are flushed.
pub fn entry(event: &Event, pc: u64, seq: u64, pending: &BTreeMap<u64, bool>) -> Entry {
    let (cpu, kind, text, addr) = match event {
        Event::Store(store) => (store.cpu, "store", hex(store.value()), Some(store.addr)),
        Event::Flush { cpu, addr, kind } => (*cpu, "flush", flush(*kind).into(), Some(*addr)),
        Event::Barrier { cpu, barrier: b } => (*cpu, "barrier", barrier(*b), None),
        Event::Sees { cpu, other, seq } => (
            *cpu,
            "sees",
            format!("the stores of CPU {other} up to event {seq}"),
            None,
        ),
        Event::Reads { cpu, addr, len } => (*cpu, "reads", counted(*len, "byte"), Some(*addr)),
        Event::Mark { cpu, mark: m } => (*cpu, "mark", mark(*m), None),
    };
    let is_store = matches!(event, Event::Store(_));
    let state = match pending.get(&seq) {
        _ if !is_store => None,
        Some(true) => Some("flushed"),
        Some(false) => Some("pending"),
        None => Some("durable"),
    };
    Entry {
        seq,
        cpu,
        pc,
        kind: kind.to_owned(),
        text,
        addr,
        state: state.map(str::to_owned),
        order: order(event).map(str::to_owned),
    }
}

/// The row between a workload and its recovery.
pub fn cut(seq: u64) -> Entry {
    Entry {
        seq,
        cpu: 0,
        pc: 0,
        kind: "mark".to_owned(),
        text: "the power fails; recovery begins".into(),
        addr: None,
        state: None,
        order: None,
    }
}

fn order(event: &Event) -> Option<&'static str> {
    let Event::Store(store) = event else {
        return None;
    };
    let has = |order| store.order.has(order);
    match (has(StoreOrder::RELEASE), has(StoreOrder::ACQUIRE)) {
        _ if has(StoreOrder::NON_TEMPORAL) => Some("non-temporal"),
        (true, true) => Some("acquire-release"),
        (true, false) => Some("release"),
        (false, true) => Some("acquire"),
        (false, false) => None,
    }
}

fn flush(kind: FlushKind) -> &'static str {
    match kind {
        FlushKind::Clwb => "clwb",
        FlushKind::Clflushopt => "clflushopt",
        FlushKind::Clflush => "clflush",
        FlushKind::Cvac => "dc cvac",
        FlushKind::Cvap => "dc cvap",
        FlushKind::Cvadp => "dc cvadp",
        FlushKind::Civac => "dc civac",
        FlushKind::CboClean => "cbo.clean",
        FlushKind::CboFlush => "cbo.flush",
        FlushKind::Inval => "invalidate",
    }
}

fn barrier(barrier: Barrier) -> String {
    match barrier {
        Barrier::Sfence => "sfence".into(),
        Barrier::Mfence => "mfence".into(),
        Barrier::Lfence => "lfence".into(),
        Barrier::Wbinvd => "wbinvd".into(),
        Barrier::LockedRmw => "locked read-modify-write".into(),
        Barrier::Dsb(domain, access) => format!("dsb {}", option(domain, access)),
        Barrier::Dmb(domain, access) => format!("dmb {}", option(domain, access)),
        Barrier::Isb => "isb".into(),
        Barrier::Fence { pred, succ } => format!("fence {},{}", set(pred), set(succ)),
        Barrier::FenceI => "fence.i".into(),
    }
}

/// `sy` stands alone; elsewhere the access is a suffix, with `ld` and `st` alone for the full
/// system.
fn option(domain: Domain, access: Access) -> String {
    let domain = match domain {
        Domain::NonShareable => "nsh",
        Domain::Inner => "ish",
        Domain::Outer => "osh",
        Domain::FullSystem if access == Access::All => "sy",
        Domain::FullSystem => "",
    };
    let access = match access {
        Access::All => "",
        Access::Stores => "st",
        Access::Loads => "ld",
    };
    format!("{domain}{access}")
}

fn set(set: FenceSet) -> String {
    let classes = [
        (FenceSet::I, 'i'),
        (FenceSet::O, 'o'),
        (FenceSet::R, 'r'),
        (FenceSet::W, 'w'),
    ];
    let present = classes.iter().filter(|(class, _)| set.has(*class));
    present.map(|(_, letter)| letter).collect()
}

fn mark(mark: Mark) -> String {
    match mark {
        Mark::Begin { id } => format!("workload {id} begins"),
        Mark::End => "workload ends".into(),
        Mark::Claim { len: 0, id, .. } => format!("claim {id}: acknowledged"),
        Mark::Claim { addr, len, id } => {
            format!("claim {id}: durable, {} at {addr:#x}", counted(len, "byte"))
        }
        Mark::Claimed { addr, len, id } => {
            format!("claim {id}: and {} at {addr:#x}", counted(len, "byte"))
        }
        Mark::CrashPoint => "crash point".into(),
    }
}

/// Two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `1 byte`, `2 bytes`.
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_read_as_an_assembler_writes_them() {
        let barriers = [
            (Barrier::Dsb(Domain::FullSystem, Access::All), "dsb sy"),
            (Barrier::Dsb(Domain::FullSystem, Access::Stores), "dsb st"),
            (Barrier::Dmb(Domain::Inner, Access::Stores), "dmb ishst"),
            (Barrier::Dsb(Domain::NonShareable, Access::All), "dsb nsh"),
        ];
        for (given, text) in barriers {
            assert_eq!(barrier(given), text);
        }
        let fence = Barrier::Fence {
            pred: FenceSet(15),
            succ: FenceSet(1),
        };
        assert_eq!(barrier(fence), "fence iorw,w");
    }

    #[test]
    fn a_store_says_what_became_of_it() {
        let store = Event::Store(kpmem_model::Store::new(0, 64, &[1, 2]));
        let state =
            |pending: &[(u64, bool)]| entry(&store, 0, 7, &pending.iter().copied().collect()).state;
        assert_eq!(state(&[(7, false)]).as_deref(), Some("pending"));
        assert_eq!(state(&[(7, true)]).as_deref(), Some("flushed"));
        assert_eq!(state(&[(6, true)]).as_deref(), Some("durable"));
    }
}
