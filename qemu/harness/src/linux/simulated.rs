//! The module inside its kernel, under the crash simulator.

use super::{
    crash,
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
        plugin, run,
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
    /// Those that do not hold.
    pub wrong_claims: u64,
    /// Crash images that its recovery judged.
    pub images: u64,
    /// Those of which it lost a record.
    pub wrong_images: u64,
    /// What is wrong, in sentences.
    pub faults: Vec<String>,
}

/// What is left to do when everything is built.
pub type Run = Box<dyn FnOnce() -> Result<Simulated>>;

/// Builds the module for Debian's oldest kernel that will do on this instruction set: what is
/// downloaded and built for that may take minutes the first time.
pub fn prepared(arch: Arch, build: Build) -> Result<Run> {
    if arch != Arch::X86_64 {
        let kit = Kit::get(arch)?;
        let module = kit.build(build)?;
        return Ok(Box::new(move || kit.judge(&module, build)));
    }
    setup::ensure_these(&[Need::Sources, Need::Kbuild])?;
    let prefix = library::install()?;
    let kernel = Kernel::get(SUITES[0])?;
    let module = module::build(&kernel, Variant::Hardened, build, &prefix)?;
    let machine = logging::machine(&kernel, Script::Simulated, &[(build, module)])?;
    Ok(Box::new(move || {
        run(&machine, kernel.image(), build.name(), 1)
    }))
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
        machine: machine.clone().with_counting(Some(crash::SHIFT)),
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
    pub(super) fn of(run: &run::Run) -> Self {
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
            wrong_claims: run.contract,
            images: run.states,
            wrong_images: run.recovery,
            faults,
        }
    }

    /// Whether claims were found not to hold.
    pub fn is_caught(&self) -> bool {
        self.wrong_claims > 0
    }
}
