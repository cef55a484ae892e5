//! A short run of each fuzzing target, from the inputs that are kept.

use crate::{
    fuzz::{self, CONTROL, Fuzzed, HYPERVISOR, TARGETS},
    report::{Case, Suite, Verdict},
};
use anyhow::Result;
use std::path::Path;

const RUNS: u64 = 20_000;
/// What a fuzzer that follows branches needs at most to find five bytes.
const CONTROL_RUNS: u64 = 1_000_000;

/// Runs all of them but the hypervisor's, and the one with a bug.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("fuzzing", None, None);
    let Some(built) = fuzz::build()? else {
        suite.add(skipped());
        return Ok(suite);
    };
    for target in TARGETS.into_iter().filter(|target| *target != HYPERVISOR) {
        suite.add(short(target, &built[target])?);
    }
    let control = fuzz::run(CONTROL, &built[CONTROL], CONTROL_RUNS, 1)?;
    let name = "negative control: a bug behind five bytes is found";
    let why = "it is not";
    suite.add(Case::check(name, control.finding.is_some(), why));
    Ok(suite)
}

/// Runs the hypervisor's.
pub fn hypervisor() -> Result<Case> {
    match fuzz::build()? {
        Some(built) => short(HYPERVISOR, &built[HYPERVISOR]),
        None => Ok(skipped()),
    }
}

fn skipped() -> Case {
    Case {
        name: "libFuzzer".to_owned(),
        verdict: Verdict::Skipped("there is no C++ compiler".to_owned()),
    }
}

fn short(target: &'static str, program: &Path) -> Result<Case> {
    let fuzzed = fuzz::run(target, program, RUNS, 1)?;
    let name = format!("{target}: {RUNS} inputs are survived");
    Ok(Case::from_result(name, judge(&fuzzed)))
}

fn judge(fuzzed: &Fuzzed) -> Result<(), String> {
    match &fuzzed.finding {
        Some(finding) => Err(finding.clone()),
        None if fuzzed.executions < RUNS => Err(format!("only {} were tried", fuzzed.executions)),
        None if fuzzed.edges == 0 => Err("no branch was followed".to_owned()),
        None => Ok(()),
    }
}
