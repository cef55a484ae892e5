//! `cargo xtask setup`.

use crate::setup;
use anyhow::Result;
use std::process::ExitCode;

pub(super) fn run() -> Result<ExitCode> {
    setup::ensure()?;
    println!("everything is there");
    Ok(ExitCode::SUCCESS)
}
