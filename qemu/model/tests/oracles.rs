//! The contract, cost and audit oracles.

use kpmem_model::event::{Barrier, Event, FenceSet, FlushKind, Mark, Store};
use kpmem_model::fault::Fault;
use kpmem_model::{Profile, State};

const BASE: u64 = 0x8000_0000;
const SIZE: usize = 4 << 10;

fn store(at: u64, value: u64) -> Event {
    Event::Store(Store::new(0, BASE + at, &value.to_le_bytes()))
}

fn clwb(at: u64) -> Event {
    Event::Flush {
        cpu: 0,
        addr: BASE + at,
        kind: FlushKind::Clwb,
    }
}

fn barrier(barrier: Barrier) -> Event {
    Event::Barrier { cpu: 0, barrier }
}

fn claim(at: u64, len: u64, id: u64) -> Event {
    Event::Mark {
        cpu: 0,
        mark: Mark::Claim {
            addr: BASE + at,
            len,
            id,
        },
    }
}

fn state() -> State {
    State::new(Profile::PX86, 64, BASE, &[0; SIZE])
}

#[test]
fn a_violation_says_what_is_missing() {
    let trace = [
        store(0, u64::MAX),
        store(64, u64::MAX),
        clwb(0),
        claim(4, 100, 42),
        barrier(Barrier::Sfence),
        claim(0, 8, 43),
        claim(72, 8, 44),
    ];
    let mut state = state();
    trace.iter().for_each(|event| state.apply(event));
    let found: Vec<_> = state
        .violations()
        .iter()
        .map(|v| (v.id, v.addr - BASE, v.len, v.stored_at, v.fault))
        .collect();
    assert_eq!(
        found,
        [
            (42, 4, 4, 1, Fault::NotFenced),
            (42, 64, 8, 2, Fault::NotFlushed)
        ]
    );
}

/// Two words of a line are stored and dropped; one, and half of the other, are stored again.
#[test]
fn a_line_dropped_unwritten_loses_its_stores() {
    let on = |kind| Event::Flush {
        cpu: 0,
        addr: BASE,
        kind,
    };
    let trace = [
        store(0, u64::MAX),
        store(8, u64::MAX),
        on(FlushKind::Inval),
        on(FlushKind::CboFlush),
        barrier(Barrier::Fence {
            pred: FenceSet(15),
            succ: FenceSet(15),
        }),
        claim(0, 16, 1),
        store(0, 1),
        Event::Store(Store::new(0, BASE + 8, &[2; 4])),
        on(FlushKind::CboFlush),
        barrier(Barrier::Fence {
            pred: FenceSet(15),
            succ: FenceSet(15),
        }),
        claim(0, 16, 2),
        claim(0, 12, 3),
    ];
    let mut state = State::new(Profile::RISCV, 64, BASE, &[0; SIZE]);
    trace.iter().for_each(|event| state.apply(event));
    let found: Vec<_> = state
        .violations()
        .iter()
        .map(|v| (v.id, v.addr - BASE, v.len, v.stored_at, v.fault))
        .collect();
    assert_eq!(
        found,
        [
            (1, 0, 8, 1, Fault::Dropped),
            (1, 8, 8, 2, Fault::Dropped),
            (2, 12, 4, 2, Fault::Dropped),
        ]
    );
}

#[test]
fn claims_and_stores_at_the_edges() {
    let mut state = state();
    let outside = [
        Event::Store(Store::new(0, BASE - 4, &[1; 8])),
        Event::Store(Store::new(0, BASE + SIZE as u64 - 4, &[1; 8])),
        Event::Store(Store::new(0, u64::MAX - 3, &[1; 4])),
        claim(0, u64::MAX, 1),
        Event::Mark {
            cpu: 0,
            mark: Mark::Claim {
                addr: 0,
                len: u64::MAX,
                id: 2,
            },
        },
        Event::Mark {
            cpu: 0,
            mark: Mark::Claim {
                addr: u64::MAX,
                len: 1,
                id: 3,
            },
        },
        claim(0, 0, 4),
    ];
    outside.iter().for_each(|event| state.apply(event));
    let ids: Vec<_> = state.violations().iter().map(|v| v.id).collect();
    assert_eq!(
        ids,
        [1, 1, 2, 2],
        "the parts inside are tracked, at both ends"
    );
}

#[test]
fn redundant_flushes_and_fences_are_counted() {
    let trace = [
        clwb(0),
        store(0, 1),
        clwb(0),
        clwb(8),
        barrier(Barrier::Sfence),
        barrier(Barrier::Sfence),
        barrier(Barrier::LockedRmw),
        clwb(0),
        store(0, 1),
        clwb(0),
        store(0, 2),
        clwb(0),
        barrier(Barrier::Mfence),
    ];
    let mut state = state();
    trace.iter().for_each(|event| state.apply(event));
    let cost = state.cost();
    assert_eq!(
        (cost.flushes, cost.flushes_of_clean, cost.flushes_repeated),
        (6, 2, 1)
    );
    assert_eq!(
        (cost.fences, cost.fences_redundant, cost.redundant_flushes()),
        (3, 1, 3)
    );
}

#[test]
fn the_audit_finds_a_store_that_was_not_reported() {
    let mut memory = vec![0; SIZE];
    let mut state = state();
    let trace = [
        store(0, 1),
        store(8, 2),
        clwb(0),
        store(64, 3),
        barrier(Barrier::Sfence),
        store(0, 4),
    ];
    for (i, event) in trace.iter().enumerate() {
        if let Event::Store(store) = event {
            let at = (store.addr - BASE) as usize;
            memory[at..at + 8].copy_from_slice(store.value());
        }
        state.apply(event);
        assert_eq!(state.audit(&memory).count(), 0, "after event {i}");
    }
    memory[1000] ^= 0x55;
    let found: Vec<_> = state.audit(&memory).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].addr, found[0].memory ^ found[0].model),
        (BASE + 1000, 0x55)
    );
}
