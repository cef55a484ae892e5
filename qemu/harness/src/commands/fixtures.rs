//! `cargo xtask fixtures`.

use crate::{arch::Arch, fixtures, setup, tools::Need};
use anyhow::Result;
use std::process::ExitCode;

pub(super) fn run() -> Result<ExitCode> {
    setup::ensure_these(&Arch::ALL.map(Need::Qemu))?;
    for path in fixtures::write()? {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
