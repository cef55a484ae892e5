//! Prints what the model costs: `cargo run --release -p kpmem-model --example bench`.

use std::hint::black_box;
use std::time::Instant;

use kpmem_model::event::{Access, Barrier, Domain, Event, FlushKind, Mark, Store};
use kpmem_model::explore::{Explorer, Options};
use kpmem_model::{Profile, State};

const BASE: u64 = 0x1_0000_0000;
const SIZE: usize = 64 << 20;

fn main() {
    let start = Instant::now();
    black_box(State::new(Profile::PX86, 64, BASE, &vec![0; SIZE]));
    println!(
        "a state of 64 MiB: {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    stores("px86", Profile::PX86, FlushKind::Clwb, Barrier::Sfence);
    hot();
    let dsb = Barrier::Dsb(Domain::FullSystem, Access::All);
    stores("arm", Profile::ARM, FlushKind::Cvap, dsb);
    images("px86", Profile::PX86, FlushKind::Clwb, Barrier::Sfence);
    images("arm", Profile::ARM, FlushKind::Cvap, dsb);
}

/// Stores all over memory: 8 to a line, then a flush; a barrier every 16 lines.
fn stores(name: &str, profile: Profile, kind: FlushKind, barrier: Barrier) {
    let mut state = State::new(profile, 64, BASE, &vec![0; SIZE]);
    let (mut stored, mut spent) = (0u64, 0.0);
    for round in 0..4u64 {
        let start = Instant::now();
        for i in 0..1u64 << 18 {
            // A stride that visits every line once a round.
            let line = BASE + (i * 40_503 % (SIZE as u64 / 64)) * 64;
            for word in 0..8 {
                let value = (round + i + word).to_le_bytes();
                state.apply(&Event::Store(Store::new(0, line + word * 8, &value)));
            }
            state.apply(&Event::Flush {
                cpu: 0,
                addr: line,
                kind,
            });
            if i % 16 == 15 {
                state.apply(&Event::Barrier { cpu: 0, barrier });
            }
            stored += 8;
        }
        spent += start.elapsed().as_secs_f64();
    }
    println!(
        "{name}: {:.1} ns a store, its share of flush and commit included",
        spent * 1e9 / stored as f64
    );
}

/// Stores to lines that are in the host's cache: what the model itself costs.
fn hot() {
    let mut state = State::new(Profile::PX86, 64, BASE, &vec![0; 1 << 20]);
    let start = Instant::now();
    for i in 0..1u64 << 19 {
        let line = BASE + i % 256 * 64;
        for word in 0..8 {
            state.apply(&Event::Store(Store::new(
                0,
                line + word * 8,
                &i.to_le_bytes(),
            )));
        }
        state.apply(&Event::Flush {
            cpu: 0,
            addr: line,
            kind: FlushKind::Clwb,
        });
        state.apply(&Event::Barrier {
            cpu: 0,
            barrier: Barrier::Sfence,
        });
    }
    let spent = start.elapsed().as_secs_f64();
    println!(
        "px86, hot: {:.1} ns a store, with an eighth of flush and fence",
        spent * 1e9 / (1u64 << 22) as f64
    );
}

/// A log: a record of one to four lines, then its commit word; images written to a memory.
fn images(name: &str, profile: Profile, kind: FlushKind, barrier: Barrier) {
    const LOG: usize = 1 << 20;
    let mut trace = vec![Event::Mark {
        cpu: 0,
        mark: Mark::Begin { id: 0 },
    }];
    let mut at = 0;
    for record in 0..2000u64 {
        let lines = 1 + record % 3;
        for word in (0..lines * 8).step_by(2) {
            let value = (record + word + 1).to_le_bytes();
            trace.push(Event::Store(Store::new(0, BASE + at + word * 8, &value)));
        }
        let flush = |line| Event::Flush {
            cpu: 0,
            addr: BASE + at + line * 64,
            kind,
        };
        trace.extend((0..lines).map(flush));
        trace.push(Event::Barrier { cpu: 0, barrier });
        trace.push(Event::Store(Store::new(
            0,
            BASE + at + lines * 64,
            &(record + 1).to_le_bytes(),
        )));
        trace.push(flush(lines));
        trace.push(Event::Barrier { cpu: 0, barrier });
        let mark = Mark::Claim {
            addr: BASE + at,
            len: lines * 64 + 8,
            id: record,
        };
        trace.push(Event::Mark { cpu: 0, mark });
        at += (lines + 1) * 64;
    }
    let mut memory = vec![0; LOG];
    let state = State::new(profile, 64, BASE, &memory);
    let mut explorer = Explorer::new(state, &trace, Options::default());
    let start = Instant::now();
    let mut images = 0u64;
    while explorer
        .next(|addr, bytes| {
            let at = (addr - BASE) as usize;
            memory[at..at + bytes.len()].copy_from_slice(bytes);
        })
        .is_some()
    {
        images += 1;
    }
    let spent = start.elapsed().as_secs_f64();
    println!(
        "{name}: {images} distinct images in {spent:.2} s, {:.2} million/s; {:?}",
        images as f64 / spent / 1e6,
        explorer.counts()
    );
    black_box(memory);
}
