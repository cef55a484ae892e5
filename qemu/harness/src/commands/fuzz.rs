//! `cargo xtask fuzz`.

use crate::{
    fuzz::{self, TARGETS},
    report::write_json,
    setup,
};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these targets.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    targets: Vec<String>,
    /// Inputs for each.
    #[arg(long, default_value_t = 10_000_000)]
    runs: u64,
    /// Where chance begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep in the repository what reaches more than is kept already.
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    setup::ensure()?;
    let built = fuzz::build()?.context("there is no C++ compiler, which libFuzzer needs")?;
    let wanted =
        |target: &&str| args.targets.is_empty() || args.targets.iter().any(|it| it == target);
    let mut all = Vec::new();
    for target in TARGETS.into_iter().filter(wanted) {
        let program = &built[target];
        let fuzzed = fuzz::run(target, program, args.runs, args.seed)?;
        println!(
            "{target}: {} inputs in {:.0} s, {} edges: {}",
            fuzzed.executions,
            fuzzed.seconds,
            fuzzed.edges,
            fuzzed.finding.as_deref().unwrap_or("nothing found")
        );
        if args.keep && fuzzed.finding.is_none() {
            fuzz::keep(target, program)?;
        }
        all.push(fuzzed);
    }
    write_json("fuzz", &all)?;
    let findings = all.iter().filter(|fuzzed| fuzzed.finding.is_some()).count();
    if findings > 0 {
        bail!("{findings} targets have findings");
    }
    Ok(ExitCode::SUCCESS)
}
