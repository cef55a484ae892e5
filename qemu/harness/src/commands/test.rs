//! `cargo xtask test`.

use crate::{
    arch::Arch,
    artefact,
    crash::{campaign::Campaign, plugin},
    parallel,
    report::{Report, Suite, write_json},
    setup,
    suites::{
        self, bare, controls, crash_models, crash_strange, embedder, embeds, features, fixtures,
        fuzz, host, judged, linux, miri, platform, release, runtime, targets, virtio, witness,
    },
    toolchain,
};
use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, thread, time::Instant};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep the listings of the generated code and of the public interface as they are now, and run
    /// nothing.
    #[arg(long)]
    bless: bool,
    /// Only a part of the suites.
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// Check the library for every kind of target, not for one of each: some minutes more.
    #[arg(long)]
    all_targets: bool,
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// On the host, Miri.
    Host,
    /// What is published: packages, interface, examples, features, odd targets.
    Release,
    /// Firmware's tables, and what others read in them.
    Firmware,
    /// Kernels in QEMU, and the machine code.
    Metal,
    /// Persistent memory over virtio.
    Virtio,
    /// The crash simulator.
    Crash,
    /// kpmem inside other programs: the examples.
    Embeds,
    /// Debian's Linux as a guest: the module, programs, and these under the crash simulator.
    Linux,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Host,
        Self::Release,
        Self::Firmware,
        Self::Metal,
        Self::Virtio,
        Self::Crash,
        Self::Embeds,
        Self::Linux,
    ];

    /// As `--only` takes it.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, args: &Args) -> Result<Vec<Suite>> {
        match self {
            Self::Host => {
                // Miri has one thread, and most of the host's tests have.
                let (host, miri) = thread::scope(|scope| {
                    let miri = scope.spawn(miri::run);
                    (host::run(), miri.join())
                });
                let mut suites = host?;
                suites.push(miri.map_err(|_| anyhow!("the suite of Miri panicked"))??);
                Ok(suites)
            }
            Self::Release => {
                let mut suites = release::run()?;
                suites.extend([features::run()?, targets::run(args.all_targets)?]);
                Ok(suites)
            }
            Self::Firmware => {
                let mut suites = vec![fixtures::run()?, fuzz::run()?];
                suites.extend(witness::run()?);
                Ok(suites)
            }
            Self::Metal => on_metal(),
            Self::Virtio => {
                let kernels = toolchain::build(Arch::X86_64, "kpmem-guest")?;
                virtio::run(named(&kernels, "virtio")?)
            }
            Self::Crash => simulated(),
            Self::Embeds => embeds::run(),
            Self::Linux => linux::run(),
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    setup::ensure()?;
    if args.bless {
        for list in release::api::bless()? {
            println!("{}", list.display());
        }
        for arch in Arch::ALL {
            println!("{}", artefact::bless(arch)?.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report::default();
    for part in Part::ALL {
        if args.only.is_none_or(|only| only == part) {
            let start = Instant::now();
            part.run(args)?
                .into_iter()
                .for_each(|suite| report.push(suite));
            let seconds = start.elapsed().as_secs_f64();
            println!("test: the part {} took {seconds:.0} s", part.name());
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

type Kernels = BTreeMap<String, PathBuf>;

fn named<'a>(kernels: &'a Kernels, name: &str) -> Result<&'a PathBuf> {
    kernels
        .get(name)
        .with_context(|| format!("kpmem-guest has no program called {name}"))
}

fn on_metal() -> Result<Vec<Suite>> {
    let each = parallel::map(&Arch::ALL, |&arch| {
        let kernels = toolchain::build(arch, "kpmem-guest")?;
        let mut suites = Vec::new();
        for variant in bare::VARIANTS.iter().filter(|variant| variant.arch == arch) {
            suites.push(bare::run(variant, named(&kernels, "suite")?)?);
        }
        suites.push(controls::run(arch, named(&kernels, "control")?)?);
        suites.push(runtime::run(arch)?);
        suites.push(platform::run(arch, named(&kernels, "platform")?)?);
        suites.push(embedder::run(arch)?);
        suites.push(artefact::run(arch)?);
        Ok(suites)
    });
    Ok(each.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

fn simulated() -> Result<Vec<Suite>> {
    let plugin = plugin::build()?;
    let mut kernels = BTreeMap::new();
    for arch in Arch::ALL {
        kernels.insert(arch.name(), toolchain::build(arch, "kpmem-guest")?);
    }
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
