//! `cargo xtask crash --linux`: a program in a Linux guest.

use super::{Args, evidence, given::none_of, own, verdict};
use crate::{
    arch::Arch,
    caller,
    crash::{
        campaign, pages,
        plan::CPUS,
        report::{Report, hash_of},
        simulate::{self, Tried},
        table,
    },
    elf,
    linux::{
        crash::{Trial, named::named, outside},
        files::Given,
        guest::Spec,
        kernel::ALL_SUITES,
        nvdimm::Nvdimm,
    },
    setup,
    tools::Need,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// What a program in Linux needs.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LinuxArgs {
    /// What the NVDIMM is used as [default: devdax].
    #[arg(long, requires = "linux", conflicts_with = "kernel")]
    pub(super) nvdimm: Option<Nvdimm>,
    /// A package of Debian's that the guest has, with what it depends on.
    #[arg(
        long = "package",
        requires = "linux",
        conflicts_with = "kernel",
        value_name = "NAME"
    )]
    pub(super) packages: Vec<String>,
    /// Release of these packages [default: the oldest that has them].
    #[arg(long, requires = "linux", conflicts_with = "kernel")]
    pub(super) suite: Option<String>,
    /// Release of Linux [default: the oldest that will do].
    #[arg(long, requires = "linux", conflicts_with = "kernel", value_parser = ALL_SUITES)]
    pub(super) release: Option<String>,
    /// A file or folder of this machine that the guest has, in /files or at GUEST.
    #[arg(long = "file", requires = "linux", conflicts_with = "kernel", value_name = "HOST[:GUEST]",
        value_parser = Given::parse)]
    pub(super) files: Vec<Given>,
    /// The guest's RAM in MiB, beside what its files take [default: 512].
    #[arg(long, requires = "linux", conflicts_with = "kernel",
        value_parser = clap::value_parser!(u64).range(256..=2048))]
    pub(super) ram: Option<u64>,
    /// A shell command that recovers from a crash image, instead of the program: good if it exits
    /// with 0. The program may call kpmem-mark then.
    #[arg(
        long,
        requires = "linux",
        conflicts_with = "kernel",
        value_name = "COMMAND"
    )]
    pub(super) recover: Option<String>,
    /// Where a command recovers: also try crashes before each barrier, not only at claims, points
    /// and end.
    #[arg(long, requires = "linux", conflicts_with = "kernel")]
    pub(super) every_barrier: bool,
    /// Recovery of one crash image may take so many seconds [default: 5; of a command 60].
    #[arg(long, requires = "linux", conflicts_with = "kernel", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) hang: Option<u64>,
    /// Crash images that are also booted from, to see that the verdict is the same [default: 2].
    #[arg(long, requires = "linux", conflicts_with = "kernel")]
    pub(super) reboots: Option<usize>,
    /// All of it may take so many seconds [default: 1800].
    #[arg(long, requires = "linux", conflicts_with = "kernel",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout: Option<u64>,
    /// The program and its arguments; without it, and without --workload, all that is documented
    /// of Debian's packages is tried again.
    #[arg(
        last = true,
        requires = "linux",
        conflicts_with = "kernel",
        value_name = "PROGRAM"
    )]
    pub(super) command: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    none_of(&args.of_campaign(), "--linux")?;
    match args.workload.as_deref() {
        None if args.program.command.is_empty() => return evidence::run(args),
        Some("mariadb") => return super::mariadb::run(args, &args.program.command),
        Some(name) => none_of(&args.of_guest(), &format!("the workload {name}"))?,
        None => {}
    }
    let arch = match args.arch[..] {
        [] => Arch::X86_64,
        [arch] => arch,
        _ => bail!("one program is for one --arch"),
    };
    setup::ensure_these(&[Need::Qemu(arch)])?;
    let started = trial(args, arch)?;
    let by_command = started.tried == Tried::FewAtMarks;
    if args.program.every_barrier && !by_command {
        bail!(
            "--every-barrier is for recovery by a command (--recover): a program that recovers \
             by itself is given the images before each barrier anyway"
        );
    }
    // A command takes a fraction of a second, or more on a busy machine.
    let hang = if by_command { 60 } else { 5 };
    let trial = Trial {
        profile: args.profile.clone(),
        platform: args.platform.pairs(
            *CPUS
                .iter()
                .find(|cpu| cpu.arch == arch)
                .context("no CPU is planned")?,
        )?,
        seed: args.seed,
        hang: Duration::from_secs(args.program.hang.unwrap_or(hang)),
        limit: args.program.limit(),
        reboots: args.program.reboots.unwrap_or(2),
        shard: args.shard,
        again: again(),
        tried: match args.program.every_barrier {
            true => Tried::Few,
            false => started.tried,
        },
        ..started
    };
    let done = trial.run()?;
    let program = trial.spec.command.first().map(PathBuf::from);
    let program = program.filter(|file| file.is_file());
    let report = Report {
        shard: args.shard,
        subject: program.as_deref().map(hash_of).transpose()?,
        runs: done.runs,
        litmus: campaign::litmus(),
        ..Report::default()
    };
    println!("{}", table::of(&report));
    // A page names the program's functions, where it lies where its file says.
    let is_elf = |file: &PathBuf| elf::arch_of(file).is_ok();
    let kernels = program.filter(is_elf).map(|file| (arch.name(), file));
    pages::show(&BTreeMap::from_iter(kernels), &done.found)?;
    report.write()?;
    Ok(verdict(&report))
}

/// A named workload, or a program of the user's.
fn trial(args: &Args, arch: Arch) -> Result<Trial> {
    let given = &args.program;
    let command = &given.command;
    if let Some(name) = &args.workload {
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        let trial = named(arch, name, &words)?;
        let cpu = args.own.cpu.clone().or(trial.spec.cpu);
        let spec = Spec { cpu, ..trial.spec };
        return Ok(Trial { spec, ..trial });
    }
    let (program, rest) = command.split_first().context("no program is named")?;
    let release = ALL_SUITES
        .into_iter()
        .find(|suite| given.release.as_deref() == Some(suite));
    let nvdimm = given.nvdimm.unwrap_or(Nvdimm::Devdax);
    let spec = Spec {
        kernel: release,
        size: args.own.size.unwrap_or(nvdimm.default_size()),
        ram: given.ram.unwrap_or(512),
        smp: args.own.smp,
        cpu: args.own.cpu.clone(),
        suite: given.suite.clone(),
        packages: given.packages.clone(),
        files: given.files.clone(),
        command: command.clone(),
        ..Spec::new(arch, nvdimm)
    };
    let name = own::workload(Path::new(program), &rest.join(" "));
    let trial = Trial::new(spec, &name);
    match &given.recover {
        Some(recover) if recover.trim().is_empty() => {
            bail!("--recover names no command: it would call every image right")
        }
        Some(recover) => outside::with_recovery(trial, recover),
        None => Ok(trial),
    }
}

impl LinuxArgs {
    /// How long all of it may take.
    pub(super) fn limit(&self) -> Duration {
        self.timeout.map_or(simulate::LIMIT, Duration::from_secs)
    }
}

/// This very command line.
fn again() -> String {
    let behind = |word: &String| !word.ends_with(caller::before_options());
    let words = std::env::args().skip_while(behind).skip(1);
    words.fold(caller::crash().to_owned(), |text, word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+".contains(c);
        if word.chars().all(plain) && !word.is_empty() {
            text + " " + &word
        } else {
            format!("{text} '{}'", word.replace('\'', r"'\''"))
        }
    })
}
