//! Many simulations, and what they come to.

use super::{
    bugs,
    done::Done,
    found::Found,
    plan::{self, Cpu, Effort, Job},
    reboot,
    report::{Litmus, Mutant, Report},
    simulate::{self, Outcome, Simulation, Tried},
    together,
};
use crate::parallel;
use anyhow::{Context, Result, anyhow};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Crash images of each run that are also booted from.
const SAMPLES: usize = 2;

/// Bad crash images of a seeded bug with one seed: more of them show nothing new.
const ENOUGH: u64 = 2;

/// What was built, and what was asked for.
#[derive(Clone, Debug, Default)]
pub struct Campaign {
    /// The crash kernel of each instruction set.
    pub kernels: BTreeMap<&'static str, PathBuf>,
    /// The plugin.
    pub plugin: PathBuf,
    /// First seed.
    pub seed: u64,
    /// How much.
    pub effort: Effort,
    /// Part of how many.
    pub shard: Option<(u32, u32)>,
    /// Only this crash image.
    pub only: Option<String>,
    /// Recovery is cut off too, of every workload.
    pub nested: bool,
}

/// What a campaign came to.
#[derive(Debug, Default)]
pub struct Results {
    /// For scripts.
    pub report: Report,
    /// What the correct build got wrong.
    pub found: Vec<Found>,
    /// One failure of each seeded bug that has one.
    pub examples: Vec<Found>,
}

impl Campaign {
    /// Simulates everything on these CPUs: the correct build, then the seeded bugs.
    pub fn run(&self, jobs: Vec<Job>, mutants: Vec<Job>) -> Result<Results> {
        let mut report = Report {
            shard: self.shard,
            seed: self.seed,
            ..Report::default()
        };
        let (mut found, mut examples) = (Vec::new(), Vec::new());
        for (job, done) in self.all(jobs)? {
            if let Some(how) = done.broken {
                return Err(anyhow!("{}: {how}", job.id(job.seed)));
            }
            report.runs.extend(done.runs);
            found.extend(done.found);
        }
        let mut caught: BTreeMap<_, bool> = BTreeMap::new();
        let boots = self.all(together::join(&mutants))?;
        let bugs = boots
            .into_iter()
            .flat_map(|(job, done)| together::part(&job, done));
        for (job, done) in bugs {
            let name = if job.mutant == "none" {
                "line-without-barrier"
            } else {
                &job.mutant
            };
            let key = (job.cpu.arch.name(), job.cpu.line, name.to_owned());
            *caught.entry(key).or_insert(true) &= done.is_caught(&job)?;
            examples.extend(done.found.into_iter().next());
        }
        report.mutants = caught
            .into_iter()
            .map(|((arch, line, name), caught)| Mutant {
                name,
                arch: arch.to_owned(),
                line,
                caught,
            })
            .collect();
        report.litmus = litmus();
        Ok(Results {
            report,
            found,
            examples,
        })
    }

    /// Simulates jobs and gives their results in order.
    fn all(&self, jobs: Vec<Job>) -> Result<Vec<(Job, Done)>> {
        let results = parallel::map(&jobs, |job| self.job(job));
        jobs.into_iter()
            .zip(results)
            .map(|(job, done)| {
                let done = done.with_context(|| job.id(job.seed))?;
                Ok((job, done))
            })
            .collect()
    }

    /// Simulates one job; seed by seed where a recovery does not come back, so that it is clear
    /// whose.
    pub fn job(&self, job: &Job) -> Result<Done> {
        let images = tempfile::tempdir().context("cannot make a directory for crash images")?;
        let simulation = self.simulation(job)?;
        let outcome = simulate::run(&simulation, images.path())?;
        // Seeded bugs that share a boot have seeds of their own, which must not be mixed up.
        let is_one = !job.mutant.contains('+');
        if job.runs > 1 && is_one && !(outcome.lost.is_empty() && outcome.broken.is_none()) {
            let mut done = Done::default();
            for seed in job.seed..job.seed + job.runs {
                let one = self.job(&Job {
                    seed,
                    runs: 1,
                    ..job.clone()
                })?;
                done.runs.extend(one.runs);
                done.found.extend(one.found);
                done.broken = done.broken.or(one.broken);
            }
            return Ok(done);
        }
        self.sum_up(job, &simulation, outcome, images.path())
    }

    /// Whether the `n`th of a job's kept crash images is booted from: every bad one of the correct
    /// build, and of the good ones as many as there is time for; of a seeded bug's the first bad
    /// one, which shows that its verdict does not depend on the loop either.
    fn reboots(&self, job: &Job, n: usize, verdict: u64) -> bool {
        match (job.enough, self.effort) {
            (None, Effort::Full) => verdict != 0 || n.is_multiple_of(10),
            (None, Effort::Bounded | Effort::Normal) => true,
            (Some(_), _) => n == 0,
        }
    }

    /// The simulation of a job.
    pub fn simulation<'a>(&'a self, job: &'a Job) -> Result<Simulation<'a>> {
        let Cpu {
            arch, line, zva, ..
        } = job.cpu;
        let kernel = self.kernels.get(arch.name());
        Ok(Simulation {
            machine: job.machine(),
            kernel: kernel.with_context(|| format!("no kernel was built for {arch}"))?,
            args: job.args(),
            plugin: &self.plugin,
            base: job.cpu.base(),
            size: job.size(),
            line,
            zva,
            profile: job.profile,
            platform: job.platform.clone(),
            seed: job.seed,
            samples: SAMPLES,
            enough: job.enough,
            shard: self.shard.unwrap_or((0, 1)),
            only: self.only.clone(),
            hang: simulate::HANG,
            limit: simulate::LIMIT,
            stall: simulate::LIMIT,
            words: false,
            guest: None,
            tried: self.tried(job),
            schedules: job.schedules.clone(),
        })
    }

    /// What several CPUs do is not one recovery's.
    fn tried(&self, job: &Job) -> Tried {
        match self.nested || job.is_nested() {
            true if job.machine().smp == 1 => Tried::Nested,
            _ => Tried::All,
        }
    }

    /// What a simulation has shown, with the verdicts of booting from the images that it kept.
    fn sum_up(
        &self,
        job: &Job,
        simulation: &Simulation<'_>,
        outcome: Outcome,
        images: &Path,
    ) -> Result<Done> {
        let mut done = Done::of(job, &outcome);
        for run in &mut done.runs {
            run.cuts = simulation.tried == Tried::Nested;
        }
        let is_correct = job.enough.is_none();
        let kept = outcome.kept().filter(|it| is_correct || it.verdict != 0);
        for (n, sample) in kept.enumerate() {
            if !self.reboots(job, n, sample.verdict) {
                continue;
            }
            let Some(run) = done.run(sample.workload) else {
                continue;
            };
            let Some(verdict) = reboot(simulation, &images.join(&sample.file))? else {
                eprintln!(
                    "{}: a new boot on a crash image gives no verdict (mode=reboot), so that none \
                     is compared",
                    job.id(job.seed)
                );
                break;
            };
            run.reboot_checked += 1;
            run.reboot_agreed += u64::from(verdict == sample.verdict);
        }
        Ok(done)
    }
}

/// Runs the model's own cases.
pub fn litmus() -> Litmus {
    let (total, exact) = kpmem_model::litmus::run();
    Litmus { total, exact }
}

/// The correct build's jobs on these CPUs.
pub fn jobs(cpus: &[Cpu], effort: Effort, seed: u64) -> Vec<Job> {
    cpus.iter()
        .flat_map(|cpu| plan::runs(*cpu, effort, seed))
        .collect()
}

/// The seeded bugs' jobs, of which a shard takes its share.
pub fn mutants(cpus: &[Cpu], effort: Effort, seed: u64, shard: Option<(u32, u32)>) -> Vec<Job> {
    let (part, parts) = shard.unwrap_or((0, 1));
    let bugs = cpus.iter().flat_map(|cpu| bugs::of(*cpu, seed));
    let own = bugs.enumerate().filter(|(i, _)| *i as u32 % parts == part);
    // All seeds of a bug are one boot.
    own.map(|(_, job)| {
        // A seed changes nothing where the schedule decides.
        let seeds = match job.schedules {
            Some(_) => 1,
            None => effort.mutant_seeds(),
        };
        Job {
            runs: seeds,
            enough: Some(ENOUGH),
            ..job
        }
    })
    .collect()
}
