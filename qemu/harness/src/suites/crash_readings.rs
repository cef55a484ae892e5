//! That exploration by what recovery reads, and power cuts while recovery runs, find what else
//! would be missed; and that a recovery that depends on other things is noticed.

use crate::{
    crash::{
        campaign::Campaign,
        plan::{CPUS, Cpu, Job},
        simulate::{self, Outcome, Simulation, Tried},
    },
    report::{Case, Suite},
};
use anyhow::Result;

/// Runs all of them.
pub fn run(campaign: &Campaign) -> Suite {
    let mut suite = Suite::new("crash simulator by readings", None, None);
    let (x86, arm) = (CPUS[0], CPUS[1]);
    let early = job(x86, "tags", "tag-before-content");
    suite.add(Case::from_result(
        "samples miss tag-before-content",
        explore(campaign, &early, Tried::Sampled, None).and_then(|outcome| {
            let capped: u64 = outcome.explored().map(|e| e.capped).sum();
            expect(capped > 0 && failures(&outcome) == 0, &outcome)
        }),
    ));
    let dropped = job(arm, "rollback", "undo-dropped-first");
    suite.add(Case::from_result(
        "a recovery that is not cut off hides undo-dropped-first",
        explore(campaign, &dropped, Tried::All, None)
            .and_then(|outcome| expect(failures(&outcome) == 0, &outcome)),
    ));
    for (job, tried) in [(&early, Tried::All), (&dropped, Tried::Nested)] {
        suite.add(Case::from_result(
            format!("a failure of {} is found again by its name", job.mutant),
            found_again(campaign, job, tried),
        ));
    }
    let remembers = job(x86, "tags", "recovery-remembers");
    suite.add(Case::from_result(
        "a recovery that remembers is sampled, and that is said",
        explore(campaign, &remembers, Tried::All, None).and_then(|outcome| {
            let said = outcome.explored().any(|e| {
                e.capped > 0
                    && e.opaque
                        .as_ref()
                        .is_some_and(|why| why.contains("not seen"))
            });
            expect(said && failures(&outcome) == 0, &outcome)
        }),
    ));
    suite
}

fn job(cpu: Cpu, workload: &str, mutant: &str) -> Job {
    Job {
        mutant: mutant.to_owned(),
        ..Job::new(cpu, workload, cpu.profile(), 1, 1)
    }
}

fn explore(
    campaign: &Campaign,
    job: &Job,
    tried: Tried,
    only: Option<String>,
) -> Result<Outcome, String> {
    let run = || -> Result<Outcome> {
        let images = tempfile::tempdir()?;
        let simulation = Simulation {
            tried,
            only,
            ..campaign.simulation(job)?
        };
        simulate::run(&simulation, images.path())
    };
    run().map_err(|error| format!("{error:#}"))
}

fn failures(outcome: &Outcome) -> u64 {
    outcome.explored().map(|e| e.failures).sum()
}

fn expect(is_so: bool, outcome: &Outcome) -> Result<(), String> {
    let explored: Vec<_> = outcome.explored().collect();
    match is_so && explored.iter().any(|e| e.states > 0) {
        true => Ok(()),
        false => Err(format!("{explored:?}")),
    }
}

fn found_again(campaign: &Campaign, job: &Job, tried: Tried) -> Result<(), String> {
    let all = explore(campaign, job, tried, None)?;
    let last = all.failures().last().ok_or("nothing fails")?;
    let again = explore(campaign, job, tried, Some(last.id.clone()))?;
    let ids: Vec<_> = again.failures().map(|failure| &failure.id).collect();
    match ids.iter().all(|id| **id == last.id) && !ids.is_empty() {
        true => Ok(()),
        false => Err(format!("{} was looked for, and {ids:?} found", last.id)),
    }
}
