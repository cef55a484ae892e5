//! `cargo xtask test`.

use crate::{
    arch::Arch,
    artefact,
    crash::{campaign::Campaign, plugin},
    report::{Report, Suite, write_json},
    setup,
    suites::{
        self, bare, controls, crash_models, crash_strange, embedder, host, judged, miri, targets,
    },
    toolchain,
};
use anyhow::{Context, Result, anyhow};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, thread};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep the listings of the generated code as they are now, and run nothing.
    #[arg(long)]
    bless: bool,
    /// Only the crash simulator's suites.
    #[arg(long)]
    crash: bool,
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
    if !args.crash {
        // Miri has one thread, and most of the host's tests have.
        let (host, miri) = thread::scope(|scope| {
            let miri = scope.spawn(miri::run);
            (host::run(), miri.join())
        });
        for suite in host? {
            report.push(suite);
        }
        report.push(miri.map_err(|_| anyhow!("the suite of Miri panicked"))??);
        report.push(targets::run()?);
    }
    let mut kernels = BTreeMap::new();
    for arch in Arch::ALL {
        let built = toolchain::build(arch, "kpmem-guest")?;
        if !args.crash {
            for suite in on_metal(arch, &built)? {
                report.push(suite);
            }
        }
        kernels.insert(arch.name(), built);
    }
    for suite in simulated(&kernels)? {
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

type Kernels = BTreeMap<String, PathBuf>;

fn simulated(kernels: &BTreeMap<&'static str, Kernels>) -> Result<Vec<Suite>> {
    let plugin = plugin::build()?;
    let of_all = |name| -> Result<BTreeMap<_, _>> {
        let each = kernels.iter();
        each.map(|(arch, built)| Ok((*arch, named(built, name)?.clone())))
            .collect()
    };
    let strange = Campaign {
        kernels: of_all("strange")?,
        plugin: plugin.clone(),
        ..Campaign::default()
    };
    let models = crash_models::run(&strange);
    let strange = crash_strange::run(&strange);
    let unmarked = of_all("demo")?.remove(Arch::X86_64.name());
    let unmarked = unmarked.context("no kernel was built")?;
    let mut suites = vec![models, strange, judged::run()?];
    suites.extend(suites::crash::run(of_all("crash")?, plugin, &unmarked)?);
    Ok(suites)
}

fn named<'a>(kernels: &'a Kernels, name: &str) -> Result<&'a PathBuf> {
    kernels
        .get(name)
        .with_context(|| format!("kpmem-guest has no program called {name}"))
}

fn on_metal(arch: Arch, kernels: &Kernels) -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for variant in bare::VARIANTS.iter().filter(|variant| variant.arch == arch) {
        suites.push(bare::run(variant, named(kernels, "suite")?)?);
    }
    suites.push(controls::run(arch, named(kernels, "control")?)?);
    suites.push(embedder::run(arch)?);
    suites.push(artefact::run(arch)?);
    Ok(suites)
}
