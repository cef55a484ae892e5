//! `cargo xtask nfit`.

use crate::nfit;
use anyhow::{Context, Result};
use kpmem::firmware::nfit::Nfit;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The raw table, such as Linux's /sys/firmware/acpi/tables/NFIT.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let file = args.file.display();
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {file}"))?;
    let table = Nfit::parse(&bytes).with_context(|| format!("{file} is no sound NFIT"))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&nfit::json(&table))?);
    } else {
        nfit::text(&table)
            .iter()
            .for_each(|line| println!("{line}"));
    }
    Ok(ExitCode::SUCCESS)
}
