//! A program in a Linux guest under the crash simulator.

pub mod workload;

use super::guest::{Guest, Spec};
use crate::{
    crash::{
        done::Done,
        model,
        plan::{Cpu, Job, Own},
        plugin,
        simulate::{self, Outcome, Simulation},
    },
    findings::Explored,
};
use anyhow::{Context, Result, bail, ensure};
use std::time::Duration;

/// Bytes at the end of the NVDIMM that are the simulator's: its mailbox. File systems leave more
/// alone, as they come in blocks.
pub const TAIL: u64 = 64 << 10;
/// `kpmem_marks::MAILBOX`, and `KPMEM_MAILBOX` in C.
const MAILBOX: u64 = 4096;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The guest with its program.
    pub spec: Spec,
    /// A name for it, of which a file's name can be made.
    pub name: String,
    /// The platform; `None` for what the instruction set has.
    pub profile: Option<String>,
    /// Properties of it that are not the profile's.
    pub platform: Vec<(&'static str, String)>,
    /// Chooses samples.
    pub seed: u64,
    /// Crash images to keep for a reboot.
    pub samples: usize,
    /// How long recovery of one image may take.
    pub hang: Duration,
    /// How long all of it may take.
    pub limit: Duration,
    /// The command line that tries again.
    pub again: String,
}

impl Trial {
    /// One with this guest.
    pub fn new(spec: Spec, name: &str) -> Self {
        Self {
            spec: Spec { tail: TAIL, ..spec },
            name: name.to_owned(),
            profile: None,
            platform: Vec::new(),
            seed: 1,
            samples: 0,
            hang: simulate::HANG,
            limit: simulate::LIMIT,
            again: String::new(),
        }
    }

    /// Tries it.
    pub fn run(&self) -> Result<Tried> {
        let guest = Guest::new(&self.spec)?;
        let machine = &guest.machine;
        let cpu = model::cpu(machine.arch, &machine.cpu, None)?;
        let job = self.job(cpu)?;
        let images = tempfile::tempdir().context("cannot make a directory for crash images")?;
        let simulation = Simulation {
            machine: machine.clone(),
            kernel: &guest.kernel,
            args: job.args(),
            plugin: &plugin::build()?,
            base: guest.base,
            size: self.spec.size,
            line: cpu.line,
            zva: cpu.zva,
            profile: job.profile,
            platform: job.platform.clone(),
            words: false,
            seed: self.seed,
            samples: self.samples,
            shard: (0, 1),
            only: None,
            hang: self.hang,
            stall: self.limit,
            limit: self.limit,
            guest: Some(&guest),
        };
        ensure!(
            guest.base.is_multiple_of(4096),
            "the NVDIMM does not begin with a page"
        );
        let mailbox = guest.base + self.spec.size - MAILBOX;
        let simulation = Simulation {
            args: parameters(mailbox),
            ..simulation
        };
        let outcome = simulate::run(&simulation, images.path())?;
        let done = Done::of(&job, &outcome);
        if let Some(how) = &done.broken {
            bail!("{how}{}", said(&outcome));
        }
        Ok(Tried {
            explored: outcome.explored().cloned().collect(),
            done,
        })
    }

    fn job(&self, cpu: Cpu) -> Result<Job> {
        let name = self.profile.as_deref().unwrap_or(cpu.profile());
        let profile = cpu.profiles().iter().find(|known| **known == name);
        let profile =
            profile.with_context(|| format!("the profile {name} does not fit {}", cpu.arch))?;
        Ok(Job {
            own: Some(Own {
                args: String::new(),
                smp: self.spec.smp,
                size: self.spec.size,
                model: self.spec.cpu.clone(),
                again: Some(self.again.clone()),
            }),
            platform: self.platform.clone(),
            ..Job::new(cpu, &self.name, profile, self.seed, 1)
        })
    }
}

/// What Linux is told besides: that a process may map the mailbox, and where it is.
fn parameters(mailbox: u64) -> String {
    format!("iomem=relaxed kpmem_mailbox={mailbox:#x}")
}

/// What the simulator had to say of a program that ended early.
fn said(outcome: &Outcome) -> String {
    outcome
        .flaws()
        .map(|flaw| format!("; {}", flaw.what))
        .collect()
}

/// What came of it.
#[derive(Debug)]
pub struct Tried {
    /// The runs and what was found.
    pub done: Done,
    /// What was explored of each.
    pub explored: Vec<Explored>,
}
