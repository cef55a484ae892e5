//! `cargo xtask nfit`.

use crate::nfit;
use anyhow::{Context, Result, ensure};
use kpmem::firmware::nfit::Nfit;
use std::{fs::File, io::Read, path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The raw table, such as Linux's /sys/firmware/acpi/tables/NFIT.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// More than any machine has, in bytes.
const LARGEST: u64 = 16 << 20;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let file = args.file.display();
    let mut bytes = Vec::new();
    File::open(&args.file)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {file}"))?;
    ensure!(
        bytes.len() as u64 <= LARGEST,
        "{file} is no NFIT: it has more than {LARGEST} bytes"
    );
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
