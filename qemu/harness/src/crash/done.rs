//! What one boot of the simulator came to.

use super::{
    found::Found,
    plan::Job,
    run::{Run, rate},
    schedules::Scheduled,
    simulate::Outcome,
};
use anyhow::{Result, anyhow};
use kpmem_findings::{Explored, Failure, Line, Traced};
use std::collections::BTreeMap;

/// What a job came to.
#[derive(Debug, Default)]
pub struct Done {
    /// One entry for each seed.
    pub runs: Vec<Run>,
    /// The failures that were reported in full.
    pub found: Vec<Found>,
    /// The guest ended too early; how.
    pub broken: Option<String>,
}

impl Done {
    /// What a simulation has shown.
    pub fn of(job: &Job, outcome: &Outcome) -> Self {
        let mut runs: BTreeMap<u64, Run> = BTreeMap::new();
        for line in &outcome.lines {
            match line {
                Line::Traced(traced) => {
                    let run = traced_run(job, traced);
                    runs.entry(traced.workload)
                        .and_modify(|before| before.add(&run))
                        .or_insert(run);
                }
                Line::Explored(explored) => {
                    if let Some(run) = runs.get_mut(&explored.workload) {
                        add_explored(run, explored);
                    }
                }
                Line::Schedules(it) => {
                    if let Some(run) = runs.get_mut(&it.workload) {
                        run.scheduled = Some(Scheduled {
                            run: it.run,
                            distinct: it.distinct,
                            left_out: it.left_out,
                            seconds: it.seconds,
                        });
                    }
                }
                Line::Failure(_) | Line::Sample(_) | Line::Point(_) | Line::Flaw(_) => {}
                Line::Schedule(_) => {}
            }
        }
        if let Some(run) = runs.values_mut().next_back() {
            run.recovery += outcome.lost.len() as u64;
        }
        for flaw in outcome.flaws() {
            let last = || outcome.traced().map(|traced| traced.workload).last();
            let workload = Some(flaw.workload)
                .filter(|w| runs.contains_key(w))
                .or_else(last);
            if let Some(run) = workload.and_then(|workload| runs.get_mut(&workload)) {
                run.flaws.push(flaw.what.clone());
            }
        }
        for run in runs.values_mut() {
            run.violations = run.contract + run.recovery;
        }
        Self {
            runs: runs.into_values().collect(),
            found: found(job, outcome),
            broken: outcome.broken.clone(),
        }
    }

    /// The run of a seed.
    pub fn run(&mut self, seed: u64) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.seed == seed)
    }

    /// Whether the job's seeded bug was reported with every seed: by the simulator, or by the CPU
    /// where that is how it shows. A kernel that ends early for another reason has tested nothing.
    pub fn is_caught(&self, job: &Job) -> Result<bool> {
        match &self.broken {
            Some(how) if job.traps() => Ok(how.contains("TRAP: ")),
            Some(how) => Err(anyhow!("{}: {how}", job.id(job.seed))),
            None => {
                let caught = self.runs.iter().filter(|run| run.violations > 0);
                Ok(caught.count() as u64 == job.runs)
            }
        }
    }
}

/// The failures that were reported, and the recoveries that did not come back.
fn found(job: &Job, outcome: &Outcome) -> Vec<Found> {
    let lost = outcome.lost.iter().map(|lost| Failure {
        workload: job.seed,
        id: lost.id.clone(),
        schedule: lost.schedule.clone(),
        oracle: "recovery".to_owned(),
        fault: None,
        what: lost.how.clone(),
        verdict: None,
        events: 0,
        claims: 0,
        lines: Vec::new(),
        timeline: Vec::new(),
        about: None,
        left_out: 0,
    });
    let failures = outcome.failures().cloned().chain(lost);
    failures
        .map(|failure| Found {
            job: job.clone(),
            failure,
        })
        .collect()
}

fn traced_run(job: &Job, traced: &Traced) -> Run {
    Run {
        arch: job.cpu.arch.name().to_owned(),
        workload: job.workload.clone(),
        profile: job.profile.to_owned(),
        line: job.cpu.line,
        seed: traced.workload,
        claims: traced.claims,
        claimed_bytes: traced.claimed_bytes,
        stores: traced.stores,
        states: 0,
        states_per_s: 0.0,
        seconds: 0.0,
        points: 0,
        by_readings: 0,
        capped: 0,
        left_out: 0,
        cuts: false,
        nested: 0,
        opaque: None,
        duplicates: 0,
        contract: traced.violations,
        recovery: 0,
        violations: traced.violations,
        untracked: traced.untracked,
        redundant_flushes: traced.redundant_flushes,
        redundant_fences: traced.redundant_fences,
        reboot_checked: 0,
        reboot_agreed: 0,
        flaws: Vec::new(),
        scheduled: None,
    }
}

fn add_explored(run: &mut Run, explored: &Explored) {
    run.states += explored.states;
    run.seconds += explored.seconds;
    run.states_per_s = rate(run.states, run.seconds);
    run.points += explored.points;
    run.by_readings += explored.by_readings;
    run.capped += explored.capped;
    run.left_out += explored.left_out;
    run.nested += explored.nested;
    run.opaque = run.opaque.take().or_else(|| explored.opaque.clone());
    run.duplicates += explored.duplicates;
    run.recovery += explored.failures;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::plan::CPUS;
    use kpmem_findings::parse;

    /// A boot of two seeds, with so many wrong claims.
    fn done(job: &Job, violations: [u64; 2]) -> Done {
        let line = |(seed, violations)| {
            format!(
                "{{\"traced\":{{\"workload\":{seed},\"events\":9,\"stores\":3,\"claims\":1,\
                 \"claimed_bytes\":8,\"violations\":{violations},\"torn\":0,\"untracked\":0,\
                 \"flushes\":1,\"fences\":1,\"redundant_flushes\":0,\"redundant_fences\":0}}}}\n"
            )
        };
        let text: String = (1..).zip(violations).map(line).collect();
        let lines = parse(&text).unwrap();
        Done::of(
            job,
            &Outcome {
                lines,
                ..Outcome::default()
            },
        )
    }

    #[test]
    fn runs_of_one_workload_add_up() {
        let line = |violations: u64| {
            format!(
                "{{\"traced\":{{\"workload\":1,\"events\":9,\"stores\":3,\"claims\":1,\
                 \"claimed_bytes\":8,\"violations\":{violations},\"torn\":0,\"untracked\":0,\
                 \"flushes\":1,\"fences\":1,\"redundant_flushes\":0,\"redundant_fences\":0}}}}\n"
            )
        };
        let explored = "{\"explored\":{\"workload\":1,\"points\":2,\"by_readings\":0,\"capped\":0,\
                        \"left_out\":0,\"nested\":0,\"walked\":4,\"duplicates\":0,\"states\":4,\
                        \"seconds\":0.5,\"failures\":1}}\n";
        let text = format!(
            "{{\"schedule\":\"straight\"}}\n{}{explored}{{\"schedule\":\"3to1\"}}\n{}{explored}",
            line(2),
            line(0)
        );
        let outcome = Outcome {
            lines: parse(&text).unwrap(),
            ..Outcome::default()
        };
        let job = Job::new(CPUS[0], "publish", "px86", 1, 1);
        let run = &Done::of(&job, &outcome).runs[0];
        let sums = (run.claims, run.contract, run.states, run.recovery);
        assert_eq!((sums, run.violations), ((2, 2, 8, 2), 4));
    }

    #[test]
    fn a_bug_is_caught_if_every_seed_shows_it() {
        let job = Job::new(CPUS[0], "contract", "px86", 1, 2);
        assert!(done(&job, [3, 1]).is_caught(&job).unwrap());
        assert!(!done(&job, [3, 0]).is_caught(&job).unwrap());
        let three = Job { runs: 3, ..job };
        assert!(
            !done(&three, [3, 1]).is_caught(&three).unwrap(),
            "one did not end"
        );
    }
}
