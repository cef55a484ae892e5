//! kpmem beside libpmem2 and the bare instructions: run by `cargo xtask bench`.
#![cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux")),
    allow(unused, reason = "the measurements are of x86_64 on Linux")
)]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod bare;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod cases;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod clock;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod contenders;
mod goals;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod measure;
mod measured;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod memory;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod peer;
mod plot;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod raw;
mod report;
mod times;

use anyhow::Result;
use clap::Parser;
use std::path::PathBuf;

/// Measures kpmem, libpmem2 and bare instructions in one process, in turns.
#[derive(Debug, Parser)]
struct Args {
    /// Rounds for each case: the median of so many.
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Only cases whose line contains all of these words.
    #[arg(long)]
    only: Vec<String>,
    /// Where to write what was measured.
    #[arg(long, default_value = "target/xtask/bench.json")]
    json: PathBuf,
    /// Where to draw it.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Print each case in nanoseconds, not the table of ratios.
    #[arg(long)]
    verbose: bool,
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn main() -> Result<()> {
    anyhow::bail!("the benchmark is of x86_64 on Linux; elsewhere time means nothing in emulation")
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn main() -> Result<()> {
    let args = Args::parse();
    let report = measure::run(&args)?;
    report.write(&args.json)?;
    report.print(args.verbose);
    if let Some(svg) = &args.svg {
        if let Some(folder) = svg.parent() {
            std::fs::create_dir_all(folder)?;
        }
        plot::draw(&report.cases, svg)?;
    }
    Ok(())
}
