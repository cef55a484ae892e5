//! `cargo xtask bench`: the library beside libpmem2 and the bare instructions, on this machine.

use crate::{process, toolchain::Toolchain, workspace};
use anyhow::Result;
use std::{path::Path, process::ExitCode};

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Draw the plot that the README shows.
    #[arg(long)]
    plot: bool,
    /// For the benchmark itself: `--verbose`, `--rounds N`, `--only WORD`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if let Err(error) = peer() {
        eprintln!("bench: no libpmem2: {error:#}");
    }
    let mut command = Toolchain::active()?.cargo("run");
    command
        .args(["--quiet", "--release", "--package", "kpmem-bench", "--"])
        .arg("--json")
        .arg(workspace::reports().join("bench.json"));
    if args.plot {
        command
            .arg("--svg")
            .arg(workspace::root().join("docs/bench.svg"));
    }
    process::run(command.args(&args.rest))?;
    Ok(ExitCode::SUCCESS)
}

/// Installs libpmem2, with which the library is compared and on which nothing else depends.
fn peer() -> Result<()> {
    const LIBRARY: &str = "libpmem2.so.1";
    let places = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/lib",
    ];
    if places
        .iter()
        .any(|place| Path::new(place).join(LIBRARY).exists())
    {
        return Ok(());
    }
    const INSTALL: &str = "apt-get update; DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libpmem2-dev";
    if !rustix::process::geteuid().is_root() {
        anyhow::bail!("to install it, run as root: {INSTALL}");
    }
    eprintln!("bench: {INSTALL}");
    process::run(std::process::Command::new("sh").args(["-c", INSTALL]))
}
