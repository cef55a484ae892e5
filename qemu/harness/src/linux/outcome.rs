//! What one kernel made of the module in one variant, for a person and for scripts.

use super::{
    checks,
    kernel::Kernel,
    logging::{self, Script},
    module::{self, Build, Module},
    simulated::{self, Simulated},
};
use crate::{
    capi::kernel::Variant,
    demo::{self, Tally},
};
use anyhow::{Context, Result};
use fastrand::Rng;
use serde::Serialize;
use std::{fmt, path::Path, time::Instant};

/// The module in all of its builds, for one kernel and variant.
#[derive(Clone, Debug)]
pub struct Built {
    /// The kernel.
    pub kernel: Kernel,
    /// The variant of the static library.
    pub variant: Variant,
    modules: Vec<(Build, Module)>,
}

impl Built {
    /// Builds all of them.
    pub fn new(kernel: &Kernel, variant: Variant, prefix: &Path) -> Result<Self> {
        let builds = [Build::Right, Build::Early, Build::Crash, Build::Unflushed];
        let each = builds.iter().map(|build| {
            let module = module::build(kernel, variant, *build, prefix)?;
            Ok((*build, module))
        });
        Ok(Self {
            kernel: kernel.clone(),
            variant,
            modules: each.collect::<Result<_>>()?,
        })
    }

    /// What objtool warns of in the module as it is.
    pub fn warnings(&self) -> &[String] {
        let right = self.modules.iter().find(|(it, _)| *it == Build::Right);
        right.map_or(&[], |(_, module)| &module.warnings)
    }

    /// The machine that runs a script.
    pub fn machine(&self, script: Script) -> Result<crate::machine::Machine> {
        logging::machine(&self.kernel, script, &self.modules)
    }

    /// Cuts the power so many times, and tries the module that acknowledges too early.
    pub fn cut(&self, cuts: u32, rng: Rng) -> Result<Tally> {
        let machine = self.machine(Script::Power)?;
        let name = format!("Linux {}, {}", self.kernel.release(), self.variant.name());
        demo::run(&name, &machine, self.kernel.image(), cuts, rng)
    }

    /// The right module and the one that flushes nothing, under the crash simulator.
    pub fn simulate(&self, build: Build) -> Result<Simulated> {
        let machine = self.machine(Script::Simulated)?;
        simulated::run(&machine, self.kernel.image(), build.name(), 1)
            .with_context(|| format!("{} in Linux {}", build.name(), self.kernel.release()))
    }
}

/// All that is tried.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The kernel's release.
    pub kernel: String,
    /// The variant of the static library.
    pub variant: &'static str,
    /// How many warnings objtool has.
    pub objtool_warnings: usize,
    /// What the module refuses, and how it comes and goes: how many cases.
    pub checks: usize,
    /// Those that failed.
    pub failed_checks: Vec<String>,
    /// What the power cuts left.
    #[serde(flatten)]
    pub tally: Tally,
    /// The module under the crash simulator.
    pub simulated: Simulated,
    /// Whether the one that flushes nothing was found out.
    pub unflushed_caught: bool,
    /// How long all of it took, in seconds.
    pub seconds: f64,
}

impl Outcome {
    /// Tries everything.
    pub fn of(built: &Built, cuts: u32, rng: Rng) -> Result<Self> {
        let start = Instant::now();
        let checks = checks::run(&built.machine(Script::Checks)?, &built.kernel)?;
        let failed = checks
            .iter()
            .filter_map(|(name, result)| Some(format!("{name}: {}", result.as_ref().err()?)));
        let tally = built.cut(cuts, rng)?;
        let simulated = built.simulate(Build::Crash)?;
        let unflushed = built.simulate(Build::Unflushed)?;
        Ok(Self {
            kernel: built.kernel.release(),
            variant: built.variant.name(),
            objtool_warnings: built.warnings().len(),
            checks: checks.len(),
            failed_checks: failed.collect(),
            tally,
            simulated,
            unflushed_caught: unflushed.is_caught(),
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// What is wrong, in sentences.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = [&self.failed_checks[..], &self.simulated.faults].concat();
        if !self.tally.is_good() {
            faults.push("acknowledged records were lost, or there were none".to_owned());
        }
        if !self.unflushed_caught {
            faults.push("a module that flushes nothing was not found out".to_owned());
        }
        // What the stable compiler can't do is known.
        if self.variant == Variant::Hardened.name() && self.objtool_warnings > 0 {
            faults.push(format!("objtool has {} warnings", self.objtool_warnings));
        }
        faults
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kernel,
            variant,
            simulated,
            ..
        } = self;
        write!(
            f,
            "Linux {kernel}, {variant}: objtool warns {} times; {} checks; simulated: {} claims of \
             {} bytes, {} crash images; without flushes: {}",
            self.objtool_warnings,
            self.checks,
            simulated.claims,
            simulated.claimed_bytes,
            simulated.images,
            if self.unflushed_caught {
                "found out"
            } else {
                "NOT found out"
            },
        )
    }
}
