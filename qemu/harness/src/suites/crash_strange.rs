//! Kernels that the crash simulator must not be fooled by, and sound ones that it must not accuse:
//! the guest's program `strange`.

use crate::{
    arch::Arch,
    crash::{
        campaign::Campaign,
        plan::{CPUS, Cpu, Job, Own},
        schedules::Schedules,
        simulate,
    },
    parallel,
    report::{Case, Suite},
};

/// What must be said of a case.
#[derive(Clone, Copy, Debug)]
pub enum Said {
    /// Nothing.
    Sound,
    /// A sentence with these words.
    Fault(&'static str),
}

use Said::{Fault, Sound};

/// A part of what is said of a claim.
const LOST: &str = "a crash can lose";

/// On every CPU of one kernel.
const CASES: &[(&str, Said)] = &[
    ("silent", Fault("nothing was looked at")),
    ("claim-of-no-bytes", Fault("nothing was looked at")),
    ("claim-of-ram", Fault("not in the persistent memory")),
    ("claim-of-mailbox", Fault("the mailbox is among them")),
    ("claim-too-long", Fault("more than the persistent memory")),
    ("claim-late", Fault("outside of begin and end")),
    ("mailbox-stored-to", Fault("the workload stores to")),
    ("mailbox-stored-to-in-recovery", Fault("recovery stores to")),
    (
        "begin-in-recovery",
        Fault("recovery says that workload 2 begins"),
    ),
    ("begin-twice", Fault("workload 1 has not ended")),
    ("no-verdict", Fault("without a verdict")),
    ("two-verdicts", Fault("comes after another one")),
    ("wrong-mailbox", Fault("does it look for the mailbox")),
    ("stops-early", Fault("did not ask for the rest")),
    ("never-ends", Fault("has not ended")),
    ("recovery-remembers", Fault("gave another verdict")),
    ("always-wrong", Fault("that recovery fails on")),
    (
        "stores-after-verdict",
        Fault("when it has given its verdict"),
    ),
    ("crosses-lines-in-recovery", Sound),
    ("sound", Sound),
    ("claim-by-alias", Fault(LOST)),
    ("claim-of-two-places", Fault(LOST)),
    ("claim-of-moved-page", Fault(LOST)),
    ("flush-of-moved-page", Fault(LOST)),
    ("flush-by-alias", Sound),
    ("store-across-pages", Sound),
    ("store-across-pages-unflushed", Fault(LOST)),
    ("same-bytes-again", Sound),
    ("failed-compare-and-swap", Sound),
    ("there-and-back", Fault(LOST)),
];

const X86_64: &[(&str, Said)] = &[
    ("commit-by-string", Fault("that recovery fails on")),
    ("commit-by-words", Sound),
    ("code-in-memory", Fault("lies in the persistent memory")),
];

/// Where recovery is cut off, too.
const NESTED: &[&str] = &["stores-after-verdict"];

const AARCH64: &[(&str, Said)] = &[
    ("commit-after-swpal", Sound),
    ("commit-after-swp", Fault("that recovery fails on")),
    ("mops-between", Fault("the stores seen make it")),
    ("zva-elsewhere", Sound),
    ("zva-by-alias", Sound),
    ("zva-by-alias-unflushed", Fault(LOST)),
];

/// On two CPUs: what is said on x86, and elsewhere.
const TWO_CPUS: &[(&str, Said, Said)] = &[
    ("handed-over", Sound, Sound),
    ("handed-over-relaxed", Sound, Fault(LOST)),
    ("handed-over-half", Sound, Fault(LOST)),
    ("not-handed-over", Fault(LOST), Fault(LOST)),
    ("fence-on-the-other", Fault(LOST), Fault(LOST)),
    ("all-on-the-other", Sound, Sound),
];

/// Some schedules are enough to see it.
const SCHEDULES: u64 = 10;

/// Under schedules of two CPUs.
const SCHEDULED: &[(&str, Said)] = &[
    ("runs-again", Sound),
    ("runs-once", Fault("must ask whether to run again")),
    ("stops-early-again", Fault("must ask whether to run again")),
    ("remembers-between-runs", Fault("was at its first begin")),
    (
        "begins-differently",
        Fault("is not what it was at its first begin"),
    ),
    ("counts-while-waiting", Sound),
    ("never-waits", Fault("CPU 1 neither waits nor halts")),
    ("both-wait", Fault("all CPUs wait for each other")),
];

/// A case on a machine.
#[derive(Clone, Copy, Debug)]
struct Trial {
    cpu: Cpu,
    name: &'static str,
    smp: u32,
    scheduled: bool,
    said: Said,
}

/// Runs all cases on one CPU of each instruction set; `campaign` has the kernel.
pub fn run(campaign: &Campaign) -> Suite {
    let mut suite = Suite::new("crash simulator, strange kernels", None, None);
    let trials = trials();
    let results = parallel::map(&trials, |trial| {
        let Trial {
            cpu,
            name,
            smp,
            scheduled,
            said,
        } = *trial;
        let job = Job {
            schedules: scheduled.then_some(Schedules::most(SCHEDULES)),
            ..job(cpu, name, smp)
        };
        let nested = NESTED.contains(&name);
        let campaign = Campaign {
            nested,
            ..campaign.clone()
        };
        check(&campaign, &job, said)
    });
    for (trial, result) in trials.iter().zip(results) {
        let expected = match trial.said {
            Sound => "sound",
            Fault(_) => "at fault",
        };
        let Trial { cpu, name, smp, .. } = trial;
        let title = format!("{name} on {smp} of {} is {expected}", cpu.arch);
        suite.add(Case::from_result(title, result));
    }
    suite.add(Case::from_result(
        "of very many bad images few are kept",
        is_bounded(campaign),
    ));
    suite
}

fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for cpu in CPUS.iter().filter(|cpu| cpu.line == 64) {
        let mut add = |name, smp, said| {
            trials.push(Trial {
                cpu: *cpu,
                name,
                smp,
                scheduled: SCHEDULED.iter().any(|(it, _)| *it == name),
                said,
            });
        };
        let own = match cpu.arch {
            Arch::X86_64 => X86_64,
            Arch::Aarch64 => AARCH64,
            Arch::Riscv64 => &[],
        };
        for &(name, said) in CASES.iter().chain(own) {
            add(name, 1, said);
        }
        for &(name, x86, other) in TWO_CPUS {
            let said = if cpu.arch == Arch::X86_64 { x86 } else { other };
            add(name, 2, said);
        }
        for &(name, said) in SCHEDULED {
            add(name, 2, said);
        }
        if cpu.arch == Arch::Riscv64 {
            // Its machine has more harts than one, whatever is asked for.
            add("all-on-the-other", 1, Fault("takes part"));
        }
    }
    trials
}

fn job(cpu: Cpu, name: &str, smp: u32) -> Job {
    Job {
        own: Some(Own {
            args: format!("case={name}"),
            smp,
            size: 1 << 20,
            model: None,
            again: None,
        }),
        ..Job::new(cpu, name, cpu.profile(), 1, 1)
    }
}

/// Whether of a job is said what must be said.
pub fn check(campaign: &Campaign, job: &Job, said: Said) -> Result<(), String> {
    let all = match campaign.job(job) {
        Err(error) => vec![format!("{error:#}")],
        Ok(done) => {
            let faults = done.runs.iter().flat_map(|run| run.faults());
            let found = done.found.iter().map(|found| found.failure.what.clone());
            faults.chain(found).chain(done.broken.clone()).collect()
        }
    };
    match said {
        Sound if all.is_empty() => Ok(()),
        Fault(words) if all.iter().any(|what| what.contains(words)) => Ok(()),
        _ if all.is_empty() => Err("nothing was said".to_owned()),
        _ => Err(all.join("; ")),
    }
}

/// How many crash images are kept, whatever their number.
fn is_bounded(campaign: &Campaign) -> Result<(), String> {
    const MOST: usize = 10;
    let job = job(CPUS[0], "always-wrong", 1);
    let text = |error: anyhow::Error| format!("{error:#}");
    let images = tempfile::tempdir().map_err(|error| error.to_string())?;
    let simulation = campaign.simulation(&job).map_err(text)?;
    let outcome = simulate::run(&simulation, images.path()).map_err(text)?;
    let (failures, kept) = (
        outcome.explored().map(|e| e.failures).sum::<u64>(),
        outcome.kept().count(),
    );
    if failures > MOST as u64 && kept <= MOST {
        Ok(())
    } else {
        Err(format!("{kept} images of {failures} failures were kept"))
    }
}
