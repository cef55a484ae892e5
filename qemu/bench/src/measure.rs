//! Rounds in which every contender has its turn, so that what disturbs the machine disturbs all of them.

use anyhow::Result;
use kpmem::Granularity;

use crate::{
    Args,
    cases::{self, Case},
    contenders::{self, COUNT, Contender},
    memory::Memory,
    peer,
    report::{Measured, Report},
};

/// How long a contender's turn takes, in nanoseconds: short beside what else the machine does, long beside the clock.
const TURN: f64 = 100_000.0;

pub fn run(args: &Args) -> Result<Report> {
    let mut memory = Memory::new();
    let (base, len) = memory.all();
    let peer = peer::load(base, len);
    let mut report = Report {
        peer: peer.is_some(),
        cases: Vec::new(),
    };
    let contenders = contenders::all(peer);
    for case in cases::all() {
        let measured = Measured::named(&case);
        let line = measured.to_string();
        if !args.only.iter().all(|word| line.contains(word.as_str())) {
            continue;
        }
        memory.rewind();
        report
            .cases
            .push(one(&case, &contenders, &mut memory, args.rounds, measured));
    }
    Ok(report)
}

fn one(
    case: &Case,
    contenders: &[Option<Contender>; COUNT],
    memory: &mut Memory,
    rounds: usize,
    mut measured: Measured,
) -> Measured {
    let count = calls(case);
    let mut times: [Vec<f64>; COUNT] = Default::default();
    for round in 0..=rounds {
        for turn in 0..COUNT {
            // Nobody always comes first, nor after the same one: the stride changes, and no stride shares a factor with five.
            let who = (turn * (round % (COUNT - 1) + 1) + round) % COUNT;
            let time = contenders[who].and_then(|contender| contender.time(case, memory, count));
            // The first round warms up.
            if let (Some(time), true) = (time, round > 0) {
                times[who].push(time);
            }
        }
    }
    let [kpmem, fixed, raw, peer, vector] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        let at = |quarter: usize| times.get(times.len() * quarter / 4).copied();
        Some((at(2)?, at(3)? - at(1)?))
    });
    let median = |side: Option<(f64, f64)>| side.map(|(median, _)| median);
    let spread = |side: Option<(f64, f64)>| side.map_or(0.0, |(median, range)| range / median);
    measured.kpmem_ns = median(kpmem);
    measured.fixed_ns = median(fixed);
    measured.raw_ns = median(raw);
    measured.peer_ns = median(peer);
    measured.vector_ns = median(vector);
    measured.spread = [kpmem, fixed, raw, peer]
        .map(spread)
        .into_iter()
        .fold(0.0, f64::max);
    measured
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
