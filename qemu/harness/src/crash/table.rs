//! The report as a person reads it.

use super::{
    report::{Mutant, Report},
    run::{Run, rate},
};
use std::{collections::BTreeMap, fmt::Write};

/// The table, one row for each workload and platform of a CPU, all seeds together.
pub fn of(report: &Report) -> String {
    let mut rows: BTreeMap<(&str, usize, &str, &str), Vec<&Run>> = BTreeMap::new();
    for run in &report.runs {
        let key = (
            run.arch.as_str(),
            run.line,
            run.workload.as_str(),
            run.profile.as_str(),
        );
        rows.entry(key).or_default().push(run);
    }
    let mut text = format!(
        "{:8} {:>4} {:9} {:7} {:>5} {:>7} {:>9} {:>9} {:>8} {:>6} {:>8} {:>9} {:>10} {:>9} {:>9}\n",
        "arch",
        "line",
        "workload",
        "profile",
        "seeds",
        "claims",
        "states",
        "states/s",
        "readings",
        "capped",
        "nested",
        "dropped",
        "violations",
        "redundant",
        "reboots"
    );
    for ((arch, line, workload, profile), runs) in rows {
        let sum = |of: fn(&Run) -> u64| runs.iter().map(|run| of(run)).sum::<u64>();
        let seconds = runs.iter().map(|run| run.seconds).sum();
        let states = sum(|run| run.states);
        let (checked, agreed) = (sum(|run| run.reboot_checked), sum(|run| run.reboot_agreed));
        let _ = writeln!(
            text,
            "{arch:8} {line:4} {workload:9} {profile:7} {:5} {:7} {states:9} {:9.0} {:8} {:6} {:8} {:9} {:10} {:9} {:>9}",
            runs.len(),
            sum(|run| run.claims),
            rate(states, seconds),
            sum(|run| run.by_readings),
            sum(|run| run.capped),
            sum(|run| run.nested),
            sum(|run| run.duplicates),
            sum(|run| run.violations + run.untracked),
            sum(|run| run.redundant_flushes + run.redundant_fences),
            format!("{agreed}/{checked}"),
        );
    }
    let scheduled = report.runs.iter();
    for (run, scheduled) in scheduled.filter_map(|run| Some((run, run.scheduled?))) {
        let Run { arch, workload, .. } = run;
        let _ = writeln!(text, "{workload} on {arch}: {}", scheduled.text());
    }
    if !report.mutants.is_empty() {
        let (caught, missed): (Vec<_>, Vec<_>) =
            report.mutants.iter().partition(|mutant| mutant.caught);
        let _ = writeln!(
            text,
            "\nseeded bugs caught: {} of {}",
            caught.len(),
            report.mutants.len()
        );
        for Mutant {
            name, arch, line, ..
        } in missed
        {
            let _ = writeln!(
                text,
                "    NOT caught: {name} on {arch} with {line}-byte lines"
            );
        }
    }
    let _ = write!(
        text,
        "litmus cases exact: {} of {}",
        report.litmus.exact, report.litmus.total
    );
    text
}
