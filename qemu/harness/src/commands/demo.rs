//! `cargo xtask demo`.

use crate::{
    arch::Arch,
    demo::{self, Tally, table},
    machine::Machine,
    report::write_json,
    setup, toolchain,
};
use anyhow::{Context, Result, anyhow};
use fastrand::Rng;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode, thread};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Power cuts on each instruction set.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    cuts: u32,
    /// Fixes the log's contents and the moments of the cuts [default: another each time].
    #[arg(long)]
    seed: Option<u64>,
    /// Only this instruction set; may be repeated.
    #[arg(long)]
    arch: Vec<Arch>,
}

#[derive(Serialize)]
struct Report {
    arch: Vec<Tally>,
}

const INTRODUCTION: &str = "\
A kernel without an operating system appends records to a log in an emulated NVDIMM. It makes each
record durable with kpmem, and only then acknowledges it on the serial line. The power is cut at
random moments (SIGKILL to QEMU). The kernel boots again on what the NVDIMM kept, and recovers.
";

const HONESTLY: &str = "\
Every acknowledged record must be found again, and none torn. More may be found than acknowledged:
the power went after a record was durable and before the kernel could say so.
The broken log acknowledges records before it writes them: the demo must notice that they are gone.

What this does not show: plain emulation has no cache, so a store reaches the NVDIMM also where a
flush is missing. This shows that recovery works, not yet that no flush is missing.
";

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    setup::ensure()?;
    let arches = if args.arch.is_empty() {
        Arch::ALL.to_vec()
    } else {
        args.arch.clone()
    };
    let seed = args.seed.unwrap_or_else(|| Rng::new().u64(..1 << 32));
    let mut kernels = Vec::new();
    for &arch in &arches {
        eprintln!("building the kernel for {arch}");
        let mut built = toolchain::build(arch, "kpmem-guest")?;
        let kernel = built
            .remove("demo")
            .context("kpmem-guest has no program called demo")?;
        kernels.push((arch, kernel));
    }
    println!("{INTRODUCTION}");
    let tallies = cut_all(kernels, args.cuts, seed)?;
    println!("\n{}\n{HONESTLY}", table(&tallies));
    let which: String = args
        .arch
        .iter()
        .map(|arch| format!(" --arch {arch}"))
        .collect();
    println!(
        "Again with the same logs and moments: cargo xtask demo --cuts {} --seed {seed}{which}",
        args.cuts
    );
    let good = tallies.iter().all(Tally::is_good);
    println!(
        "{}",
        if good {
            "No acknowledged record was lost."
        } else {
            "FAILED: see above."
        }
    );
    write_json("demo", &Report { arch: tallies })?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// All machines at once: most of the time they wait for the moment of the cut.
fn cut_all(kernels: Vec<(Arch, PathBuf)>, cuts: u32, seed: u64) -> Result<Vec<Tally>> {
    let workers = kernels.into_iter().map(|(arch, kernel)| {
        // The same moments for a machine, whichever others run.
        let rng = Rng::with_seed(seed ^ (arch as u64 + 1) << 32);
        thread::spawn(move || demo::run(arch.name(), &Machine::new(arch), &kernel, cuts, rng))
    });
    let workers: Vec<_> = workers.collect();
    let results = workers.into_iter().map(|worker| {
        worker
            .join()
            .map_err(|_| anyhow!("a thread of the demo panicked"))
            .and_then(|done| done)
    });
    results.collect()
}
