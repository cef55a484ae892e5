//! `cargo xtask linux-module`.

mod cross;

use crate::{
    arch::Arch,
    capi::kernel::{self as library, Variant},
    crash::plugin,
    demo::table,
    linux::{
        kernel::{Kernel, SUITES},
        outcome::{Built, Outcome},
    },
    parallel,
    report::write_json,
    setup,
    tools::Need,
};
use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Instruction set of the kernels. On aarch64 and riscv64 there is Debian 13's, and the power
    /// is not cut: the module runs under the crash simulator alone.
    #[arg(long, default_value = "x86_64")]
    arch: Arch,
    /// Power cuts for each kernel and variant [default: 20].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    cuts: Option<u32>,
    /// Fixes the records and the moments of the cuts [default: others each time].
    #[arg(long)]
    seed: Option<u64>,
    /// Only the kernel of this suite of Debian's.
    #[arg(long, value_parser = SUITES)]
    suite: Option<String>,
    /// Only this variant of the static library.
    #[arg(long)]
    variant: Option<Variant>,
}

#[derive(Serialize)]
struct Report {
    seed: u64,
    good: bool,
    outcomes: Vec<Outcome>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.arch != Arch::X86_64 {
        let more = args.cuts.is_some()
            || args.seed.is_some()
            || args.suite.is_some()
            || args.variant.is_some();
        ensure!(
            !more,
            "--cuts, --seed, --suite and --variant are for x86_64"
        );
        return cross::run(args.arch);
    }
    setup::ensure_these(&[
        Need::Qemu(Arch::X86_64),
        Need::Core(Arch::X86_64),
        Need::Objdump(Arch::X86_64),
        Need::Linker,
        Need::Sources,
        Need::Kbuild,
    ])?;
    let cuts = args.cuts.unwrap_or(20);
    let seed = args.seed.unwrap_or_else(|| Rng::new().u64(..1 << 32));
    let prefix = library::install()?;
    plugin::build()?;
    let mut built = Vec::new();
    let asked = |suite: &&str| args.suite.as_ref().is_none_or(|only| only == suite);
    for suite in SUITES.into_iter().filter(asked) {
        let kernel = Kernel::get(suite)?;
        let asked = |it: &Variant| args.variant.is_none_or(|only| only == *it);
        for variant in Variant::ALL.into_iter().filter(asked) {
            let release = kernel.release();
            eprintln!(
                "building the module for Linux {release}, {}",
                variant.name()
            );
            built.push(Built::new(&kernel, variant, &prefix)?);
        }
    }
    let numbered: Vec<_> = (0..).zip(&built).collect();
    let outcomes = parallel::map(&numbered, |(number, built)| {
        Outcome::of(built, cuts, Rng::with_seed(seed ^ number << 32))
    });
    let mut good = true;
    let mut whole = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => whole.push(outcome),
            // What the others came to is worth something.
            Err(error) => {
                good = false;
                println!("FAILED: {error:#}");
            }
        }
    }
    let outcomes = whole;
    let tallies: Vec<_> = outcomes.iter().map(|it| it.tally.clone()).collect();
    println!("\n{}", table(&tallies));
    for outcome in &outcomes {
        let faults = outcome.faults();
        good &= faults.is_empty();
        println!("{outcome}");
        for fault in faults {
            println!("    FAILED: {fault}");
        }
    }
    println!("Again with the same records: cargo xtask linux-module --cuts {cuts} --seed {seed}");
    let report = Report {
        seed,
        good,
        outcomes,
    };
    write_json("linux-module", &report).context("cannot keep the report")?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
