//! `cargo xtask`: see `cargo xtask help`.

use clap::Parser;
use kpmem_harness::commands::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
