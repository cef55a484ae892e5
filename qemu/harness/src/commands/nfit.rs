//! `cargo xtask nfit`.

use crate::nfit;
use anyhow::{Context, Result, ensure};
use kpmem::firmware::nfit::Nfit;
use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

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
    let mut said = match args.json {
        true => serde_json::to_string_pretty(&nfit::json(&table))?,
        false => nfit::text(&table).join("\n"),
    };
    said.push('\n');
    match io::stdout().write_all(said.as_bytes()) {
        // Who reads it has enough: `| head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}
