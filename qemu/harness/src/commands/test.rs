//! `cargo xtask test`.

use crate::{
    arch::Arch,
    artefact,
    report::{Report, Suite, write_json},
    setup,
    suites::{bare, controls, embedder, host},
    toolchain,
};
use anyhow::{Context, Result};
use std::process::ExitCode;

pub(super) fn run() -> Result<ExitCode> {
    setup::ensure()?;
    let mut report = Report::default();
    for suite in host::run()? {
        report.push(suite);
    }
    for arch in Arch::ALL {
        for suite in on_metal(arch)? {
            report.push(suite);
        }
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

fn on_metal(arch: Arch) -> Result<Vec<Suite>> {
    let kernels = toolchain::build(arch, "kpmem-guest")?;
    let kernel = |name: &str| {
        kernels
            .get(name)
            .with_context(|| format!("kpmem-guest has no program called {name}"))
    };
    let mut suites = Vec::new();
    for variant in bare::VARIANTS.iter().filter(|variant| variant.arch == arch) {
        suites.push(bare::run(variant, kernel("suite")?)?);
    }
    suites.push(controls::run(arch, kernel("control")?)?);
    suites.push(embedder::run(arch)?);
    suites.push(artefact::run(arch)?);
    Ok(suites)
}
