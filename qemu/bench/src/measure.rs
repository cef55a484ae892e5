//! Rounds in which every contender has its turn, so that what disturbs the machine disturbs all of
//! them.

use anyhow::Result;
use kpmem::Granularity;

use crate::{
    Args,
    cases::{self, Case},
    contenders::{self, Contender},
    measured::Measured,
    memory::Memory,
    peer,
    report::Report,
    times::{COUNT, Times},
};

/// How long a contender's turn takes, in nanoseconds: short beside what else the machine does, long
/// beside the clock.
const TURN: f64 = 100_000.0;

pub fn run(args: &Args) -> Result<Report> {
    let mut memory = Memory::new();
    let (base, len) = memory.all();
    let peer = peer::load(base, len);
    let (has_peer, mut cases) = (peer.is_some(), Vec::new());
    let contenders = contenders::all(peer)?;
    for case in cases::all() {
        let mut measured = Measured::named(&case);
        let line = measured.to_string();
        if !args.only.iter().all(|word| line.contains(word.as_str())) {
            continue;
        }
        memory.rewind();
        measured.set(one(&case, &contenders, &mut memory, args.rounds));
        cases.push(measured);
    }
    Ok(Report::new(has_peer, cases))
}

fn one(
    case: &Case,
    contenders: &[Option<Contender>; COUNT],
    memory: &mut Memory,
    rounds: usize,
) -> [Times; COUNT] {
    let count = calls(case);
    let mut times: [Times; COUNT] = Default::default();
    for round in 0..=rounds {
        for turn in 0..COUNT {
            // Nobody always comes first, nor after the same one: the stride changes, and every
            // stride reaches all, as their number is a prime.
            let who = (turn * (round % (COUNT - 1) + 1) + round) % COUNT;
            let time = contenders[who].and_then(|contender| contender.time(case, memory, count));
            // The first round warms up.
            if let (Some(time), true) = (time, round > 0) {
                times[who].push(time);
            }
        }
    }
    times
}

/// Calls in a turn.
fn calls(case: &Case) -> usize {
    let lines = case.size.div_ceil(64).max(1) as f64;
    let each = match case.granularity {
        Granularity::Byte => 5.0 + lines * 2.0,
        _ => 100.0 + lines * 8.0,
    };
    ((TURN / each) as usize).max(1)
}
