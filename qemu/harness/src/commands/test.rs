//! `cargo xtask test`.

use crate::{
    arch::Arch,
    artefact,
    crash::simulate,
    report::{Report, Suite, write_json},
    setup,
    suites::{self, bare, controls, embedder, host, miri, targets},
    toolchain,
};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep the listings of the generated code as they are now, and run nothing.
    #[arg(long)]
    bless: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    setup::ensure()?;
    if args.bless {
        for arch in Arch::ALL {
            println!("{}", artefact::bless(arch)?.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report::default();
    for suite in host::run()? {
        report.push(suite);
    }
    report.push(miri::run()?);
    report.push(targets::run()?);
    let mut simulated = BTreeMap::new();
    let mut unmarked = None;
    for arch in Arch::ALL {
        let kernels = toolchain::build(arch, "kpmem-guest")?;
        for suite in on_metal(arch, &kernels)? {
            report.push(suite);
        }
        simulated.insert(arch.name(), named(&kernels, "crash")?.clone());
        unmarked = unmarked.or(Some(named(&kernels, "demo")?.clone()));
    }
    let unmarked = unmarked.context("no kernel was built")?;
    for suite in suites::crash::run(simulated, simulate::build_plugin()?, &unmarked)? {
        report.push(suite);
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

fn named<'a>(kernels: &'a BTreeMap<String, PathBuf>, name: &str) -> Result<&'a PathBuf> {
    kernels
        .get(name)
        .with_context(|| format!("kpmem-guest has no program called {name}"))
}

fn on_metal(arch: Arch, kernels: &BTreeMap<String, PathBuf>) -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for variant in bare::VARIANTS.iter().filter(|variant| variant.arch == arch) {
        suites.push(bare::run(variant, named(kernels, "suite")?)?);
    }
    suites.push(controls::run(arch, named(kernels, "control")?)?);
    suites.push(embedder::run(arch)?);
    suites.push(artefact::run(arch)?);
    Ok(suites)
}
