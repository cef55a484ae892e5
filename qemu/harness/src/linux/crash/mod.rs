//! A program in a Linux guest under the crash simulator.

pub mod compile;
pub mod examples;
pub mod named;
pub mod outside;
pub mod storage;
pub mod workload;

use super::guest::{Guest, Spec};
use crate::{
    arch::Arch,
    crash::{
        done::Done,
        model,
        plan::{Cpu, Job, Own},
        plugin, reboot,
        simulate::{self, Outcome, Simulation, Tried},
    },
    machine::Machine,
};
use anyhow::{Context, Result, bail};
use kpmem_findings::Sample;
use std::time::Duration;

/// Bytes at the end of the NVDIMM that are the simulator's: its mailbox. File systems leave more
/// alone, as they come in blocks.
pub const TAIL: u64 = 64 << 10;
/// An instruction is eight nanoseconds: Linux has a tick each half million of them, and does not
/// wait long where it counts time by a loop.
pub(super) const SHIFT: u32 = 3;
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
    /// Which crash images are tried.
    pub tried: Tried,
    /// Chooses samples.
    pub seed: u64,
    /// Take part I of N of the crash images; `None` for all.
    pub shard: Option<(u32, u32)>,
    /// Crash images that are also booted from: half of them bad ones, if there are any.
    pub reboots: usize,
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
        let cpu = spec.cpu.unwrap_or(simulated_cpu(spec.arch).to_owned());
        Self {
            spec: Spec {
                tail: TAIL,
                cpu: Some(cpu),
                ..spec
            },
            name: name.to_owned(),
            profile: None,
            platform: Vec::new(),
            seed: 1,
            tried: Tried::Sampled,
            shard: None,
            reboots: 0,
            hang: simulate::HANG,
            limit: simulate::LIMIT,
            again: String::new(),
        }
    }

    /// Tries it.
    pub fn run(&self) -> Result<Done> {
        self.run_in(&Guest::new(&self.spec)?)
    }

    /// Tries it in a guest that was made of its spec.
    pub fn run_in(&self, guest: &Guest) -> Result<Done> {
        let machine = &self.machine(guest);
        let cpu = model::cpu(machine.arch, &machine.cpu, None)?;
        let job = self.job(cpu)?;
        let images = tempfile::tempdir().context("cannot make a directory for crash images")?;
        let simulation = Simulation {
            machine: machine.clone(),
            kernel: &guest.kernel,
            args: parameters(guest.base + self.spec.size - MAILBOX),
            plugin: &plugin::build()?,
            base: guest.base,
            size: self.spec.size,
            line: cpu.line,
            zva: cpu.zva,
            profile: job.profile,
            platform: job.platform.clone(),
            words: false,
            seed: self.seed,
            samples: self.reboots,
            enough: None,
            shard: self.shard.unwrap_or((0, 1)),
            only: None,
            hang: self.hang,
            stall: self.limit,
            limit: self.limit,
            guest: Some(guest),
            tried: self.tried,
            schedules: None,
        };
        let outcome = simulate::run(&simulation, images.path())?;
        let mut done = Done::of(&job, &outcome);
        if let Some(how) = &done.broken {
            bail!("{how}{}", said(&outcome));
        }
        for sample in self.chosen(&outcome) {
            let verdict = reboot(&simulation, &images.path().join(&sample.file))?;
            if let (Some(verdict), Some(run)) = (verdict, done.run(sample.workload)) {
                run.reboot_checked += 1;
                run.reboot_agreed += u64::from(verdict == sample.verdict);
            }
        }
        Ok(done)
    }

    /// Where a program on one CPU says marks itself, its time goes by what it executes: else a tick
    /// would be due behind each, as what the simulator does there takes time, and the barriers of
    /// its interrupt would hide one that the program forgot. Commands are processes of their own,
    /// which end between mark and program, and take three times as long in this way.
    fn machine(&self, guest: &Guest) -> Machine {
        let itself = self.tried == Tried::Sampled && guest.machine.smp == 1;
        guest.machine.clone().with_counting(itself.then_some(SHIFT))
    }

    /// The crash images that are booted from.
    fn chosen<'a>(&self, outcome: &'a Outcome) -> Vec<&'a Sample> {
        let (good, bad): (Vec<_>, Vec<_>) = outcome.kept().partition(|kept| kept.verdict == 0);
        let bad = bad.into_iter().take(self.reboots.div_ceil(2));
        bad.chain(good).take(self.reboots).collect()
    }

    fn job(&self, cpu: Cpu) -> Result<Job> {
        let profile = cpu.named_profile(self.profile.as_deref())?;
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

/// The CPU model that Linux is simulated on if none is asked for. On Arm QEMU's newest has `CPY`
/// and `SET`, by which Linux copies then, and which the simulator does not see; a Neoverse N1 is a
/// server's CPU with `dc cvap`.
pub fn simulated_cpu(arch: Arch) -> &'static str {
    match arch {
        Arch::Aarch64 => "neoverse-n1",
        Arch::X86_64 | Arch::Riscv64 => arch.default_cpu(),
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
