//! The kernel in C of `examples/c-kernel`: booted, and under the crash simulator.

use super::{
    super::super::crash_strange::{self, Said},
    compile::{for_bare, object},
};
use crate::{
    arch::Arch,
    boot::{End, Vm},
    capi::{self, archive::Target},
    crash::{
        campaign::Campaign,
        plan::{CPUS, Cpu, Job, Own},
        plugin,
    },
    image::{DEFAULT_SIZE, Image},
    machine::Machine,
    parallel,
    report::{Case, Suite},
    toolchain::{self, Toolchain},
    workspace,
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(60);
/// Where the kernel has its second slot, and in it the complement of the value.
const SECOND: u64 = 512;
const COMPLEMENT: u64 = 256;

/// Builds the kernel, and leaves it in `folder`.
fn build(arch: Arch, folder: &Path) -> Result<PathBuf> {
    let source = workspace::root().join("examples/c-kernel/kernel.c");
    let object = object(for_bare(arch), &source, folder)?;
    let library = capi::library(Target::Bare(arch), false)?;
    let toolchain = Toolchain::require(arch)?;
    let mut command = toolchain.cargo_for(arch, "rustc");
    command.args([
        "--release",
        "--package",
        "kpmem-guest",
        "--bin",
        "c",
        "--features",
        "c",
    ]);
    let mut built = toolchain::executables_with(command, &[&object, &library])?;
    let built = built
        .remove("c")
        .context("kpmem-guest has no program called c")?;
    let kernel = folder.join(format!("c-kernel-{arch}"));
    fs::copy(built, &kernel)?;
    Ok(kernel)
}

/// Boots it three times on one NVDIMM, whose file must have what it says is durable.
pub(super) fn run(arch: Arch) -> Result<Suite> {
    let folder = tempfile::tempdir().context("cannot make a directory for kernels")?;
    let kernel = build(arch, folder.path())?;
    let mut suite = Suite::new("kernel in C", Some(arch), None);
    let image = Image::fresh(DEFAULT_SIZE)?;
    for boots in 0..3 {
        let result = boot(arch, &kernel, &image).and_then(|said| {
            let wanted = [
                format!("boots so far: {boots}"),
                format!("durable: {}", boots + 1),
            ];
            match said.ends_with(&wanted) {
                true => Ok(()),
                false => Err(format!("it said {said:?}")),
            }
        });
        suite.add(Case::from_result(
            format!("boot {} knows those before", boots + 1),
            result,
        ));
    }
    let [value, complement] = [SECOND, SECOND + COMPLEMENT].map(|at| word(&image, at));
    suite.add(Case::check(
        "what it said is durable is in the NVDIMM's file",
        value == Some(3) && complement == Some(!3),
        format!("{value:?} and {complement:?} are"),
    ));
    let other = Image::fresh(DEFAULT_SIZE)?;
    suite.add(Case::check(
        "negative control: another NVDIMM has nothing",
        word(&other, SECOND) == Some(0),
        "it has",
    ));
    Ok(suite)
}

fn word(image: &Image, at: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    image.read_at(&mut bytes, at).ok()?;
    Some(u64::from_le_bytes(bytes))
}

fn boot(arch: Arch, kernel: &Path, image: &Image) -> Result<Vec<String>, String> {
    let text = |error: anyhow::Error| format!("{error:#}");
    let vm = Vm::boot(&Machine::new(arch), kernel, image, "").map_err(text)?;
    let mut said = Vec::new();
    let end = vm
        .run(LIMIT, |line| said.push(line.text.trim_end().to_owned()))
        .map_err(text)?;
    match end {
        End::Exit(0) => Ok(said),
        end => Err(format!("{end}; it said {said:?}")),
    }
}

/// What must be said of the kernel, with and without a bug.
const CASES: [(&str, &str, Said); 3] = [
    ("the kernel in C", "simulate=1", Said::Sound),
    (
        "negative control: a line that is not flushed",
        "simulate=1 bug=1",
        Said::Fault("a crash can lose"),
    ),
    (
        "negative control: a slot that is written over",
        "simulate=1 bug=2",
        Said::Fault("that recovery fails on"),
    ),
];

/// The same kernel, whose marks are C's, with every content that a power cut may leave.
pub(super) fn simulated() -> Result<Suite> {
    let folder = tempfile::tempdir().context("cannot make a directory for kernels")?;
    let mut kernels = BTreeMap::new();
    for arch in Arch::ALL {
        kernels.insert(arch.name(), build(arch, folder.path())?);
    }
    let campaign = Campaign {
        kernels,
        plugin: plugin::build()?,
        ..Campaign::default()
    };
    let cpus = CPUS.iter().filter(|cpu| cpu.line == 64);
    let trials: Vec<_> = cpus
        .flat_map(|cpu| CASES.map(|(name, args, said)| (*cpu, name, args, said)))
        .collect();
    let results = parallel::map(&trials, |(cpu, name, args, said)| {
        crash_strange::check(&campaign, &job(*cpu, name, args), *said)
    });
    let mut suite = Suite::new("crash simulator, kernel in C", None, None);
    for ((cpu, name, _, said), result) in trials.iter().zip(results) {
        let judged = match said {
            Said::Sound => "is sound",
            Said::Fault(_) => "is found",
        };
        suite.add(Case::from_result(
            format!("{name} on {} {judged}", cpu.arch),
            result,
        ));
    }
    Ok(suite)
}

fn job(cpu: Cpu, name: &str, args: &str) -> Job {
    Job {
        own: Some(Own {
            args: args.to_owned(),
            smp: 1,
            size: 1 << 20,
            model: None,
            again: None,
        }),
        ..Job::new(cpu, name, cpu.profile(), 1, 1)
    }
}
