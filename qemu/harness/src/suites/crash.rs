//! A bounded run of the crash simulator.

use super::{crash_controls, crash_readings, crash_schedules, page};
use crate::{
    arch::Arch,
    crash::{
        campaign::{self, Campaign, Results},
        plan::{CPUS, Effort},
        report::Report,
    },
    report::{Case, Suite},
};
use anyhow::Result;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Seed of the bounded run: it finds the same every time.
const SEED: u64 = 1;

/// Simulates power cuts on all CPUs; `kernels` are the crash kernels by the name of the instruction
/// set, `other` an x86_64 kernel without marks.
pub fn run(
    kernels: BTreeMap<&'static str, PathBuf>,
    plugin: PathBuf,
    other: &Path,
) -> Result<Vec<Suite>> {
    let campaign = Campaign {
        kernels,
        plugin,
        seed: SEED,
        effort: Effort::Bounded,
        shard: None,
        only: None,
        nested: false,
    };
    let jobs = campaign::jobs(&CPUS, Effort::Bounded, SEED);
    let mut mutants = campaign::mutants(&CPUS, Effort::Bounded, SEED, None);
    // Those of the schedules have a suite of their own, which finds each of them twice.
    mutants.retain(|job| job.schedules.is_none());
    let Results {
        report, examples, ..
    } = campaign.run(jobs, mutants)?;
    let mut suites: Vec<_> = Arch::ALL
        .iter()
        .map(|arch| of_arch(*arch, &report))
        .collect();
    let mut litmus = Suite::new("litmus", None, None);
    let (total, exact) = (report.litmus.total, report.litmus.exact);
    let why = format!("{exact} of {total}");
    litmus.add(Case::check(
        format!("{total} cases allow exactly what they should"),
        exact == total && total >= 60,
        why,
    ));
    suites.push(litmus);
    suites.push(crash_controls::run(&campaign, other)?);
    suites.push(crash_readings::run(&campaign));
    suites.push(crash_schedules::run(&campaign));
    let pages = [("recovery", Arch::Aarch64), ("contract", Arch::X86_64)]
        .iter()
        .filter_map(|(oracle, arch)| {
            let mut of_kind = examples
                .iter()
                .filter(|e| e.failure.oracle == *oracle && e.job.cpu.arch == *arch);
            of_kind
                .next()
                .map(|example| (example.failure.clone(), example.context(&campaign.kernels)))
        });
    suites.push(page::run(&pages.collect::<Vec<_>>())?);
    Ok(suites)
}

fn of_arch(arch: Arch, report: &Report) -> Suite {
    let mut suite = Suite::new("crash simulator", Some(arch), None);
    for run in report.runs.iter().filter(|run| run.arch == arch.name()) {
        let name = format!(
            "{} of {}-byte lines on {}, seed {}: {} claims, {} states",
            run.workload, run.line, run.profile, run.seed, run.claims, run.states
        );
        let mut why = run.faults().join("; ");
        // The others have no recovery: their claims are all there is to check.
        let recovers = [
            "log", "list", "rollback", "slots", "tags", "words", "deep", "publish", "append",
            "archive",
        ]
        .contains(&run.workload.as_str());
        let looked = run.claims > 0 && (run.states > 0) == recovers;
        if !looked {
            why += "not looked at: no claim, or crash images where there should be none, or none";
        }
        suite.add(Case::check(name, run.is_clean() && looked, why));
    }
    for mutant in report
        .mutants
        .iter()
        .filter(|mutant| mutant.arch == arch.name())
    {
        let name = format!(
            "the bug {} of {}-byte lines is caught",
            mutant.name, mutant.line
        );
        suite.add(Case::check(name, mutant.caught, "nothing was reported"));
    }
    suite
}
