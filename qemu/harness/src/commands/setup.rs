//! `cargo xtask setup`.

use crate::setup;
use anyhow::Result;
use std::process::ExitCode;

pub(super) fn run() -> Result<ExitCode> {
    setup::ensure()?;
    match setup::browser() {
        Some(_) => println!("everything is there"),
        None => println!("everything is there but a browser, which only one suite would use"),
    }
    Ok(ExitCode::SUCCESS)
}
