//! What the crash simulator must not take for a good run, and that shards are the parts of a whole.

use crate::{
    crash::{
        campaign::Campaign,
        plan::{CPUS, Cpu, Job},
        report::Report,
        run::Run,
        simulate::{self, Simulation},
    },
    report::{Case, Suite},
};
use anyhow::Result;
use std::{path::Path, time::Duration};

/// Runs all of them. `other` is a kernel without marks.
pub fn run(campaign: &Campaign, other: &Path) -> Result<Suite> {
    let mut suite = Suite::new("crash simulator controls", None, None);
    let cpu = CPUS[0];
    for (mutant, how) in [
        ("recovery-hangs", "did not end"),
        ("recovery-traps", "TRAP"),
    ] {
        let result = lost(campaign, cpu, mutant, how);
        suite.add(Case::from_result(
            format!("{mutant} is a finding, and the rest is explored"),
            result,
        ));
    }
    let job = log(cpu, "none");
    let sound = campaign.simulation(&job)?;
    let plugin = sound.plugin.with_file_name("not-there.so");
    for (name, simulation, expected) in [
        (
            "a kernel without marks",
            Simulation {
                kernel: other,
                args: String::new(),
                ..sound.clone()
            },
            "without a begin and an end mark",
        ),
        (
            "a memory that is too small",
            Simulation {
                size: 4096,
                ..sound.clone()
            },
            "too small",
        ),
        (
            "a platform of another CPU",
            Simulation {
                profile: "riscv",
                ..sound.clone()
            },
            "does not fit",
        ),
        (
            "a QEMU that cannot load the plugin",
            Simulation {
                plugin: &plugin,
                ..sound.clone()
            },
            "not-there.so",
        ),
    ] {
        let images = tempfile::tempdir()?;
        let why = match simulate::run(&simulation, images.path()) {
            Ok(outcome) => outcome
                .broken
                .unwrap_or_else(|| "taken for a good run".to_owned()),
            Err(error) => format!("{error:#}"),
        };
        suite.add(Case::check(
            format!("{name} is refused"),
            why.contains(expected),
            why,
        ));
    }
    for job in [log(CPUS[4], "none"), Job::new(CPUS[1], "tags", "arm", 1, 1)] {
        suite.add(Case::from_result(
            format!("three shards of {} are one whole", job.workload),
            shards(campaign, &job),
        ));
    }
    Ok(suite)
}

fn log(cpu: Cpu, mutant: &str) -> Job {
    Job {
        mutant: mutant.to_owned(),
        ..Job::new(cpu, "log", cpu.profile(), 1, 1)
    }
}

fn lost(campaign: &Campaign, cpu: Cpu, mutant: &str, how: &str) -> Result<(), String> {
    let (job, sound) = (log(cpu, mutant), log(cpu, "none"));
    let explore = |job: &Job| {
        let images = tempfile::tempdir()?;
        let hang = Duration::from_secs(1);
        simulate::run(
            &Simulation {
                hang,
                ..campaign.simulation(job)?
            },
            images.path(),
        )
    };
    let text = |error: anyhow::Error| format!("{error:#}");
    let (bad, good) = (explore(&job).map_err(text)?, explore(&sound).map_err(text)?);
    if let Some(lost) = bad.lost.iter().find(|lost| !lost.how.contains(how)) {
        return Err(format!("reported as: {}", lost.how));
    }
    let states = |outcome: &simulate::Outcome| outcome.explored().map(|e| e.states).last();
    match (bad.lost.len(), states(&bad), states(&good)) {
        (0, ..) => Err("nothing was reported".to_owned()),
        (_, Some(bad), Some(good)) if bad == good => Ok(()),
        (_, bad, good) => Err(format!("{bad:?} of {good:?} states were explored")),
    }
}

/// The same exploration whole and in parts: times and reboots aside, the same report.
fn shards(campaign: &Campaign, job: &Job) -> Result<(), String> {
    let explore = |shard| -> Result<Report> {
        let campaign = Campaign {
            shard,
            ..campaign.clone()
        };
        Ok(campaign.run(vec![job.clone()], Vec::new())?.report)
    };
    let compare = || -> Result<_> {
        let whole = explore(None)?;
        let parts = (0..3)
            .map(|part| explore(Some((part, 3))))
            .collect::<Result<Vec<_>>>()?;
        Ok((
            parts.iter().filter(|part| part.runs[0].states > 0).count() > 1,
            whole,
            Report::merge(&parts)?,
        ))
    };
    let (several_took_part, whole, joined) = compare().map_err(|error| format!("{error:#}"))?;
    let timeless = |run: &Run| Run {
        seconds: 0.0,
        states_per_s: 0.0,
        reboot_checked: 0,
        reboot_agreed: 0,
        ..run.clone()
    };
    let same = whole
        .runs
        .iter()
        .map(timeless)
        .eq(joined.runs.iter().map(timeless));
    if same && several_took_part {
        Ok(())
    } else {
        Err(format!("{whole:?} is not {joined:?}"))
    }
}
