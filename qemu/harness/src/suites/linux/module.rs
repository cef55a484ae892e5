//! The module of `examples/linux-module` in Debian's own kernel: what `cargo xtask linux-module`
//! does, in short. Skipped where the packages cannot be had.

use crate::{
    arch::Arch,
    artefact::fixed,
    capi::{
        direct,
        kernel::{self as library, Variant},
    },
    linux::{
        checks,
        kernel::{Kernel, SUITES},
        logging::Script,
        module::{self, Build},
        outcome::Built,
    },
    report::{Case, Suite, Verdict},
    setup,
    tools::Need,
};
use anyhow::{Result, anyhow};
use fastrand::Rng;
use std::thread;

const CUTS: u32 = 3;

/// Runs it in this kernel.
pub fn run(kernel: Result<Kernel>) -> Result<Suite> {
    let mut suite = Suite::new("linux module", Some(Arch::X86_64), None);
    match kernel {
        Ok(kernel) => with(&kernel, &mut suite)?,
        Err(error) => suite.add(Case {
            name: "a module in Debian's kernel".to_owned(),
            verdict: Verdict::Skipped(format!("it cannot be built: {error:#}")),
        }),
    }
    Ok(suite)
}

/// Debian's oldest kernel, with what a module takes.
pub fn kernel() -> Result<Kernel> {
    setup::ensure_these(&[Need::Sources, Need::Kbuild])?;
    Kernel::get(SUITES[0])
}

fn with(kernel: &Kernel, suite: &mut Suite) -> Result<()> {
    let prefix = library::install()?;
    let built = Built::new(kernel, Variant::Hardened, &prefix)?;
    suite.note(format!("Linux {}", kernel.release()));
    let warnings = built.warnings();
    suite.add(Case::check(
        "objtool has nothing against the hardened build",
        warnings.is_empty(),
        warnings.join("; "),
    ));
    for variant in Variant::ALL {
        let library = library::library(variant)?;
        suite.add(Case::from_result(
            format!(
                "{}: only relocations that the module loader takes",
                variant.name()
            ),
            library::loadable(&library),
        ));
        let program = direct::program(&library, &direct::SETTLED)?;
        fixed::check(&program, &format!("in C, {}", variant.name()), suite);
    }
    let library = library::library(Variant::Stable)?;
    let tables = direct::program(&library, &["kpmem_map_persist"])?;
    suite.add(Case::check(
        "negative control: the indirect call of a map in C is seen",
        fixed::direct(&tables).is_err(),
        "not seen",
    ));
    let stable = module::build(kernel, Variant::Stable, Build::Right, &prefix)?;
    suite.add(Case::check(
        "negative control: it has against the stable compiler's",
        !stable.warnings.is_empty(),
        "nothing was said",
    ));
    let (cut, simulated) = thread::scope(|scope| {
        // Each is one CPU's work.
        let cut = scope.spawn(|| {
            let checks = checks::run(&built.machine(Script::Checks)?, kernel)?;
            Ok((checks, built.cut(CUTS, Rng::new())?))
        });
        let right = built.simulate(Build::Crash);
        let simulated = right.and_then(|right| Ok((right, built.simulate(Build::Unflushed)?)));
        (cut.join(), simulated)
    });
    let (checks, tally) = cut.unwrap_or_else(|_| Err(anyhow!("the cuts panicked")))?;
    for (name, result) in checks {
        suite.add(Case::from_result(name, result));
    }
    suite.add(Case::check(
        format!(
            "{} power cuts: none of {} acknowledged records is lost or torn",
            tally.cuts, tally.acknowledged
        ),
        tally.acknowledged > 0 && tally.lost == 0 && tally.torn == 0,
        format!("{} are lost, {} torn", tally.lost, tally.torn),
    ));
    suite.add(Case::check(
        "negative control: a module that acknowledges too early loses records",
        tally.control_caught,
        "none was missed",
    ));
    let (right, unflushed) = simulated?;
    suite.add(Case::check(
        format!(
            "crash simulator: {} claims hold, recovery is right on {} crash images",
            right.claims, right.images
        ),
        right.faults.is_empty(),
        right.faults.join("; "),
    ));
    suite.add(Case::check(
        "negative control: a module that flushes nothing is found out",
        unflushed.is_caught(),
        unflushed.faults.join("; "),
    ));
    Ok(())
}
