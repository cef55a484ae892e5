//! `cargo xtask test`.

use crate::{
    arch::Arch,
    artefact,
    report::{Report, write_json},
    setup,
};
use anyhow::Result;
use std::process::ExitCode;

pub(super) fn run() -> Result<ExitCode> {
    setup::ensure()?;
    let mut report = Report::default();
    for arch in Arch::ALL {
        report.push(artefact::run(arch)?);
    }
    write_json("test", &report)?;
    let (_, failed, _) = report.totals();
    println!("{}", report.closing_line());
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
