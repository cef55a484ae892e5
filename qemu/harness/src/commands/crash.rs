//! `cargo xtask crash`.

use super::machine::{OwnArgs, Platform};
use crate::{
    arch::Arch,
    crash::{
        campaign::{self, Campaign, Results},
        pages,
        plan::{CPUS, Cpu, Effort, Job, Own},
        report::Report,
        simulate, table,
    },
    elf, setup, toolchain,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Only this instruction set; may be repeated.
    #[arg(long)]
    arch: Vec<Arch>,
    /// Only this workload: contract, log, list, slots, copies, words, cpus.
    #[arg(long)]
    workload: Option<String>,
    /// Only this platform: px86, amd, arm, riscv, eadr, torn8.
    #[arg(long)]
    profile: Option<String>,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Show one failure again, by the name that was printed for it.
    #[arg(long, value_name = "ID")]
    replay: Option<String>,
    /// Ten million states and more.
    #[arg(long)]
    full: bool,
    /// Part I of N (from 0): the parts are disjoint, and together the whole.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(u32, u32)>,
    /// Join the reports of all parts.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    merge: Vec<PathBuf>,
    /// Simulate a kernel of your own that says kpmem-marks; or one of kpmem-guest's, by its name.
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Parameters for that kernel (fw_cfg file opt/org.kpmem/args).
    #[arg(long, requires = "kernel", default_value = "")]
    args: String,
    /// A line size that the CPU model does not have by default.
    #[arg(long)]
    line: Option<usize>,
    #[command(flatten)]
    own: OwnArgs,
    #[command(flatten)]
    platform: Platform,
}

fn shard(text: &str) -> Result<(u32, u32), String> {
    let parts = text
        .split_once('/')
        .and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((part, parts)) if part < parts => Ok((part, parts)),
        _ => Err("not I/N with I from 0 to N-1".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if !args.merge.is_empty() {
        return merge(&args.merge);
    }
    setup::ensure()?;
    let own = own_kernel(args)?;
    let args = &Args {
        kernel: own,
        ..args.clone()
    };
    if let Some(id) = &args.replay {
        return replay(id, args);
    }
    let cpus = cpus(args)?;
    let effort = if args.full {
        Effort::Full
    } else {
        Effort::Normal
    };
    let mut campaign = campaign(&cpus, effort, args.kernel.as_ref())?;
    (campaign.seed, campaign.shard) = (args.seed, args.shard);
    let (jobs, mutants) = match &args.kernel {
        Some(kernel) => (
            cpus.iter()
                .map(|cpu| foreign(*cpu, kernel, args))
                .collect::<Result<_>>()?,
            Vec::new(),
        ),
        None => chosen(args, &cpus, effort)?,
    };
    if jobs.is_empty() && mutants.is_empty() {
        bail!("no workload, platform and CPU fit that choice");
    }
    println!(
        "{} boots of the simulator, {} of them with a seeded bug",
        jobs.len() + mutants.len(),
        mutants.len()
    );
    let Results { report, found, .. } = campaign.run(jobs, mutants)?;
    println!("{}", table::of(&report));
    pages::show(&campaign.kernels, &found)?;
    report.write()?;
    Ok(verdict(&report))
}

/// The kernel's file. One of kpmem-guest's programs is built.
fn own_kernel(args: &Args) -> Result<Option<PathBuf>> {
    let Some(kernel) = &args.kernel else {
        return Ok(None);
    };
    let name = kernel.to_string_lossy();
    if kernel.exists() || name.contains('/') {
        return Ok(Some(kernel.clone()));
    }
    let arch = args.arch.first().copied().unwrap_or(Arch::X86_64);
    let mut built = toolchain::build(arch, "kpmem-guest")?;
    let found = built.remove(name.as_ref());
    let file = found.with_context(|| {
        let names: Vec<_> = built.keys().map(String::as_str).collect();
        format!(
            "{name} is neither a file nor one of kpmem-guest's programs: {}",
            names.join(", ")
        )
    })?;
    Ok(Some(file))
}

fn verdict(report: &Report) -> ExitCode {
    let faults = report.faults();
    if faults.is_empty() {
        let caught = if report.mutants.is_empty() {
            ""
        } else {
            "; every seeded bug was caught"
        };
        let looked = report.looked_at();
        println!("No flush and no fence is missing: {looked}{caught}.");
        return ExitCode::SUCCESS;
    }
    for fault in &faults {
        println!("{fault}");
    }
    println!("FAILED: see above.");
    ExitCode::FAILURE
}

fn cpus(args: &Args) -> Result<Vec<Cpu>> {
    let mut cpus = CPUS.to_vec();
    if let Some(kernel) = &args.kernel {
        let arch = elf::arch_of(kernel)?;
        if args.arch.iter().any(|asked| *asked != arch) {
            bail!("{} is a kernel for {arch}", kernel.display());
        }
        let line = args.line.unwrap_or(64);
        cpus.retain(|cpu| cpu.arch == arch && cpu.line == line);
    } else {
        cpus.retain(|cpu| args.arch.is_empty() || args.arch.contains(&cpu.arch));
        cpus.retain(|cpu| args.line.is_none_or(|line| cpu.line == line));
    }
    if let Some(profile) = &args.profile {
        let all = cpus.len();
        cpus.retain(|cpu| cpu.profiles().contains(&profile.as_str()));
        if cpus.is_empty() && all > 0 {
            bail!("the profile {profile} does not fit these CPUs");
        }
    }
    if cpus.is_empty() {
        bail!("QEMU has no such CPU with lines of that size");
    }
    Ok(cpus)
}

/// The jobs that the options leave.
fn chosen(args: &Args, cpus: &[Cpu], effort: Effort) -> Result<(Vec<Job>, Vec<Job>)> {
    let fits = |job: &Job| {
        args.workload.as_ref().is_none_or(|w| *w == job.workload)
            && args.profile.as_ref().is_none_or(|p| p == job.profile)
    };
    let mut jobs = campaign::jobs(cpus, effort, args.seed);
    let mut mutants = campaign::mutants(cpus, effort, args.seed, args.shard);
    jobs.retain(fits);
    mutants.retain(fits);
    for job in jobs.iter_mut().chain(&mut mutants) {
        job.platform = args.platform.pairs(job.cpu)?;
    }
    Ok((jobs, mutants))
}

fn foreign(cpu: Cpu, kernel: &Path, args: &Args) -> Result<Job> {
    let name = args.profile.as_deref().unwrap_or(cpu.profile());
    let profile = cpu.profiles().iter().find(|p| **p == name);
    Ok(Job {
        cpu,
        workload: workload(kernel, &args.args),
        profile: profile
            .with_context(|| format!("the profile {name} does not fit {}", cpu.arch))?,
        seed: args.seed,
        runs: 1,
        mutant: "none".to_owned(),
        own: Some(args.own()),
        platform: args.platform.pairs(cpu)?,
    })
}

/// A name for a kernel with its parameters, of which a file's name can be made.
fn workload(kernel: &Path, args: &str) -> String {
    let stem = kernel.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem} {args}");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<_> = name
        .split(|c| !is_plain(c))
        .filter(|w| !w.is_empty())
        .collect();
    words.join("-").chars().take(80).collect()
}

impl Args {
    fn own(&self) -> Own {
        Own {
            args: self.args.clone(),
            smp: self.own.smp,
            size: self.own.size,
            model: self.own.cpu.clone(),
            again: None,
        }
    }
}

/// Builds what is needed.
fn campaign(cpus: &[Cpu], effort: Effort, kernel: Option<&PathBuf>) -> Result<Campaign> {
    let mut kernels = BTreeMap::new();
    for cpu in cpus {
        let arch = cpu.arch;
        if kernels.contains_key(arch.name()) {
            continue;
        }
        let file = match kernel {
            Some(file) => file.clone(),
            None => toolchain::build(arch, "kpmem-guest")?
                .remove("crash")
                .context("kpmem-guest has no program called crash")?,
        };
        kernels.insert(arch.name(), file);
    }
    Ok(Campaign {
        kernels,
        plugin: simulate::build_plugin()?,
        seed: 1,
        effort,
        shard: None,
        only: None,
    })
}

fn replay(id: &str, args: &Args) -> Result<ExitCode> {
    let unknown = || format!("{id:?} is not the name of a failure");
    let (job, image) = id.rsplit_once('.').with_context(unknown)?;
    let mut job = Job::named(job).with_context(unknown)?;
    job.own = args.kernel.as_ref().map(|_| args.own());
    job.platform = args.platform.pairs(job.cpu)?;
    let mut campaign = campaign(&[job.cpu], Effort::Normal, args.kernel.as_ref())?;
    // A claim is found by its trace; a crash image is one of many.
    campaign.only =
        (!image.starts_with("claim") && !image.starts_with("untracked")).then(|| image.to_owned());
    let done = campaign.job(&job)?;
    if let Some(how) = done.broken {
        bail!("{id}: {how}");
    }
    let tried = done.runs.iter().any(|run| run.states > 0) || !done.found.is_empty();
    if campaign.only.is_some() && !tried {
        bail!("{id}: this run has no such crash image");
    }
    let found: Vec<_> = done
        .found
        .into_iter()
        .filter(|f| f.failure.id == image)
        .collect();
    if found.is_empty() {
        println!("{id}: nothing is wrong there now");
        return Ok(ExitCode::SUCCESS);
    }
    pages::show_again(&campaign.kernels, &found)?;
    Ok(ExitCode::FAILURE)
}

fn merge(files: &[PathBuf]) -> Result<ExitCode> {
    let shards = files
        .iter()
        .map(|file| Report::read(file))
        .collect::<Result<Vec<_>>>()?;
    let report = Report::merge(&shards)?;
    println!("{}", table::of(&report));
    report.write()?;
    Ok(verdict(&report))
}
