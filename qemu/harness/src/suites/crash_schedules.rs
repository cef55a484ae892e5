//! Schedules of two CPUs: a mistake that only another order shows is found, and found again by the
//! schedule's name; with a preemption less it is not found, so that it proves something.

use crate::{
    crash::{
        campaign::Campaign,
        done::Done,
        plan::{CPUS, Cpu, Job},
        schedules::{MOST, PAIRS, Schedules},
    },
    parallel,
    report::{Case, Suite},
};

/// The mistake that takes two preemptions.
const TWICE: &str = "archive";

type Trial = (Cpu, &'static str, &'static str);
type Check = fn(&Campaign, &Trial) -> Result<(), String>;

/// What is checked of each pair.
const CHECKS: &[(&str, Check)] = &[
    ("is not found with a preemption less", not_with_less),
    ("is found again by its schedule's name", found_again),
];

/// Runs all of them on one CPU of each instruction set; `campaign` has the kernel.
pub fn run(campaign: &Campaign) -> Suite {
    let mut suite = Suite::new("crash simulator, schedules", None, None);
    let cpus = CPUS.iter().filter(|cpu| cpu.line == 64);
    let trials: Vec<Trial> = cpus
        .flat_map(|cpu| PAIRS.map(|(workload, mutant)| (*cpu, workload, mutant)))
        .collect();
    let all: Vec<_> = trials
        .iter()
        .flat_map(|trial| {
            CHECKS
                .iter()
                .map(move |(name, check)| (trial, *name, *check))
        })
        .collect();
    let results = parallel::map(&all, |(trial, _, check)| check(campaign, trial));
    for (((cpu, _, mutant), name, _), result) in all.iter().zip(results) {
        suite.add(Case::from_result(
            format!("{mutant} on two of {} {name}", cpu.arch),
            result,
        ));
    }
    suite.add(Case::from_result(
        "what is left out is counted, and chosen by the seed",
        left_out(campaign, &trials[0]),
    ));
    suite
}

fn job(&(cpu, workload, mutant): &Trial, schedules: Option<Schedules>) -> Job {
    Job {
        mutant: mutant.to_owned(),
        schedules,
        ..Job::new(cpu, workload, cpu.profile(), 1, 1)
    }
}

/// What a job came to, which must have looked at something.
fn done(campaign: &Campaign, job: &Job) -> Result<Done, String> {
    let done = campaign.job(job).map_err(|error| format!("{error:#}"))?;
    if let Some(how) = &done.broken {
        return Err(how.clone());
    }
    let blind = done
        .runs
        .iter()
        .find(|run| run.states == 0 || !run.flaws.is_empty());
    match blind {
        Some(run) => Err(format!("not looked at: {:?}", run.flaws)),
        None if done.runs.is_empty() => Err("nothing was run".to_owned()),
        None => Ok(done),
    }
}

fn violations(campaign: &Campaign, job: &Job) -> Result<u64, String> {
    let done = done(campaign, job)?;
    Ok(done.runs.iter().map(|run| run.violations).sum())
}

/// With one preemption less than it takes. (That these are enough, the campaign shows.)
fn not_with_less(campaign: &Campaign, trial: &Trial) -> Result<(), String> {
    let schedules = Schedules::Many {
        most: MOST,
        preemptions: u32::from(trial.1 == TWICE),
    };
    match violations(campaign, &job(trial, Some(schedules)))? {
        0 => Ok(()),
        n => Err(format!("{n} violations")),
    }
}

/// The failure's name leads to the same failure, and its schedule to the same trace.
fn found_again(campaign: &Campaign, trial: &Trial) -> Result<(), String> {
    let mut first = done(campaign, &job(trial, Schedules::of(trial.1)))?;
    if first.found.is_empty() {
        return Err("not found".to_owned());
    }
    let found = first.found.swap_remove(0);
    let id = found.id();
    let (name, image) = id.rsplit_once('.').unwrap_or_default();
    let again = Job::named(name).ok_or_else(|| format!("{id:?} leads to no job"))?;
    let campaign = Campaign {
        only: Some(image.to_owned()),
        ..campaign.clone()
    };
    let again = done(&campaign, &again)?;
    let text = |failure| serde_json::to_string(failure).unwrap_or_default();
    let mut same = again.found.iter().map(|it| text(&it.failure));
    if same.any(|it| it == text(&found.failure)) {
        Ok(())
    } else {
        Err(format!("{id}: {} others", again.found.len()))
    }
}

/// So few schedules that some are left out.
fn left_out(campaign: &Campaign, &(cpu, workload, _): &Trial) -> Result<(), String> {
    const FEW: u64 = 30;
    let sampled = |seed| {
        let job = Job {
            schedules: Some(Schedules::most(FEW)),
            ..Job::new(cpu, workload, cpu.profile(), seed, 1)
        };
        let runs = done(campaign, &job)?.runs;
        let scheduled = runs.iter().find_map(|run| run.scheduled);
        let states = runs.iter().map(|run| run.states).sum::<u64>();
        let scheduled = scheduled.ok_or_else(|| "no schedules were run".to_owned())?;
        Ok::<_, String>(((scheduled.run, scheduled.left_out), states))
    };
    let (one, same) = (sampled(1)?, sampled(1)?);
    let ((run, left_out), _) = one;
    if run == FEW && left_out > 0 && one == same {
        Ok(())
    } else {
        Err(format!("{one:?}, then {same:?}"))
    }
}
