//! The module inside its kernel, under the crash simulator.

use super::{
    cross::Kit,
    kernel::{Kernel, SUITES},
    logging::{self, Script},
    module::{self, Build},
};
use crate::{
    arch::Arch,
    capi::kernel::{self as library, Variant},
    crash::{
        done::Done,
        plan::{CPUS, Job, Own},
        plugin,
        run::Run,
        simulate::{self, Simulation, Tried},
    },
    machine::Machine,
    setup,
    tools::Need,
};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{path::Path, time::Duration};

/// Bytes of the NVDIMM.
const SIZE: u64 = 1 << 20;
/// Records that are appended.
pub(super) const RECORDS: u64 = 8;
/// Linux boots before it makes its first claim.
const BOOT: Duration = Duration::from_secs(240);
/// The whole run.
const LIMIT: Duration = Duration::from_secs(600);

/// What was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// Claims that the module made.
    pub claims: u64,
    /// Bytes that they were about.
    pub claimed_bytes: u64,
    /// Crash images that its recovery judged.
    pub images: u64,
    /// What is wrong, in sentences.
    pub faults: Vec<String>,
}

/// Builds the module for Debian's oldest kernel that will do on this instruction set, and runs it:
/// what is downloaded and built for that may take minutes the first time.
pub fn of(arch: Arch, build: Build) -> Result<Simulated> {
    if arch != Arch::X86_64 {
        return Kit::get(arch)?.simulate(build);
    }
    setup::ensure_these(&[Need::Sources, Need::Kbuild])?;
    let prefix = library::install()?;
    let kernel = Kernel::get(SUITES[0])?;
    let module = module::build(&kernel, Variant::Hardened, build, &prefix)?;
    let machine = logging::machine(&kernel, Script::Simulated, &[(build, module)])?;
    run(&machine, kernel.image(), build.name(), 1)
}

/// Boots `kernel` and loads the module of this name.
pub fn run(machine: &Machine, kernel: &Path, module: &str, seed: u64) -> Result<Simulated> {
    let cpu = CPUS[0];
    let job = Job {
        own: Some(Own {
            args: format!(
                "module={module} seed={seed} count={RECORDS} nvdimm={:#x} bytes={SIZE:#x}",
                cpu.base()
            ),
            smp: machine.smp,
            size: SIZE,
            model: None,
            again: None,
        }),
        ..Job::new(cpu, "linux-module", cpu.profile(), seed, 1)
    };
    let images = tempfile::tempdir().context("cannot make a directory for crash images")?;
    let simulation = Simulation {
        machine: machine.clone(),
        kernel,
        args: job.args(),
        plugin: &plugin::build()?,
        base: cpu.base(),
        size: SIZE,
        line: cpu.line,
        zva: cpu.zva,
        profile: job.profile,
        platform: Vec::new(),
        words: false,
        seed,
        samples: 0,
        enough: None,
        shard: (0, 1),
        only: None,
        hang: simulate::HANG,
        stall: BOOT,
        limit: LIMIT,
        guest: None,
        tried: Tried::Sampled,
        schedules: None,
    };
    let outcome = simulate::run(&simulation, images.path())?;
    let done = Done::of(&job, &outcome);
    if let Some(how) = done.broken {
        bail!("Linux ended early: {how}");
    }
    let [run] = &done.runs[..] else {
        bail!("{} workloads were seen, not one", done.runs.len());
    };
    Ok(Simulated::of(run))
}

impl Simulated {
    pub(super) fn of(run: &Run) -> Self {
        let mut faults = run.faults();
        // The head's, and each record's.
        if run.claims != RECORDS + 1 {
            faults.push(format!(
                "{} claims were made, not {}",
                run.claims,
                RECORDS + 1
            ));
        }
        if run.states == 0 {
            faults.push("recovery judged no crash image".to_owned());
        }
        Self {
            claims: run.claims,
            claimed_bytes: run.claimed_bytes,
            images: run.states,
            faults,
        }
    }

    /// Whether claims were found not to hold.
    pub fn is_caught(&self) -> bool {
        let words = "that do not hold";
        self.faults.iter().any(|fault| fault.contains(words))
    }
}
