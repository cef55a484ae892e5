//! `cargo xtask crash`.

mod evidence;
mod given;
mod linux;
mod mariadb;
mod own;

use super::machine::{OwnArgs, Platform};
use crate::{
    arch::Arch,
    crash::{
        campaign::{self, Campaign, Results},
        pages,
        plan::{self, CPUS, Cpu, Effort, Job},
        plugin,
        report::{Report, hash_of},
        table,
    },
    setup, toolchain,
};
use anyhow::{Context, Result, anyhow, bail};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Only this instruction set; may be repeated.
    #[arg(long)]
    arch: Vec<Arch>,
    /// Only this workload: contract, log, list, rollback, slots, tags, copies, words, cpus, deep,
    /// publish, append, archive; with --linux: libpmem2, kpmem, libpmemobj, ext4, pmem-block,
    /// mariadb.
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
    /// Ten million states and more, and power cuts while recovery runs.
    #[arg(long)]
    full: bool,
    /// Cut the power while recovery runs, too.
    #[arg(long, conflicts_with = "linux")]
    nested: bool,
    /// Part I of N (from 0): the parts are disjoint, and together the whole.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(u32, u32)>,
    /// Join the reports of all parts.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    merge: Vec<PathBuf>,
    /// Simulate a kernel of your own that says kpmem-marks; or one of kpmem-guest's, by its name.
    #[arg(long, value_name = "FILE", group = "subject")]
    kernel: Option<PathBuf>,
    /// Simulate a program in a Linux out of Debian's packages (docs/CRASH-TEST.md); without a
    /// program what is documented of them.
    #[arg(long, group = "subject")]
    linux: bool,
    /// Parameters for that kernel (fw_cfg file opt/org.kpmem/args).
    #[arg(
        long,
        requires = "kernel",
        conflicts_with = "linux",
        default_value = ""
    )]
    args: String,
    /// Run that kernel's workload under many schedules of its CPUs, N at most [default: 2000]: with
    /// no preemption, with one, with two. The kernel asks kpmem_marks::again after each run.
    #[arg(long, requires = "kernel", conflicts_with = "linux", value_name = "N", num_args = 0..=1, require_equals = true,
        default_missing_value = "2000", value_parser = clap::value_parser!(u64).range(1..))]
    schedules: Option<u64>,
    /// Bytes of a line: chooses among the planned CPUs; with --cpu, what the model must have.
    #[arg(long)]
    line: Option<usize>,
    #[command(flatten)]
    own: OwnArgs,
    #[command(flatten)]
    platform: Platform,
    #[command(flatten)]
    program: linux::LinuxArgs,
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
    if args.linux {
        return linux::run(args);
    }
    setup::ensure()?;
    let own = own::kernel(args)?;
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
    campaign.nested = args.nested || args.full;
    let (jobs, mutants) = match &args.kernel {
        Some(kernel) => (
            cpus.iter()
                .map(|cpu| own::job(*cpu, kernel, args))
                .collect::<Result<_>>()?,
            Vec::new(),
        ),
        None => chosen(args, &cpus, effort)?,
    };
    if jobs.is_empty() && mutants.is_empty() {
        bail!("no workload, platform and CPU fit that choice");
    }
    println!(
        "{} jobs, {} of them with a seeded bug",
        jobs.len() + mutants.len(),
        mutants.len()
    );
    let Results {
        mut report, found, ..
    } = campaign.run(jobs, mutants)?;
    report.subject = args.kernel.as_deref().map(hash_of).transpose()?;
    println!("{}", table::of(&report));
    pages::show(&campaign.kernels, &found)?;
    report.write()?;
    Ok(verdict(&report))
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
        let part = report.shard.map_or(String::new(), |(part, parts)| {
            format!(" in part {part} of {parts}")
        });
        println!("No flush and no fence is missing{part}: {looked}{caught}.");
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
        cpus = vec![own::cpu(kernel, args, args.line)?];
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
        plugin: plugin::build()?,
        seed: 1,
        effort,
        shard: None,
        only: None,
        nested: false,
    })
}

fn replay(id: &str, args: &Args) -> Result<ExitCode> {
    let unknown = || format!("{id:?} is not the name of a failure");
    let (job, image) = id.rsplit_once('.').with_context(unknown)?;
    let mut job = Job::named(job).with_context(unknown)?;
    match &args.kernel {
        Some(kernel) => {
            job.cpu = own::cpu(kernel, args, Some(job.cpu.line))?;
            job.own = Some(args.own());
        }
        None if !plan::has(&job) => {
            bail!(
                "{id:?} is not the name of a failure of our kernels: of a kernel of yours, say \
                 --kernel too"
            );
        }
        None if CPUS.contains(&job.cpu) => {}
        None => return Err(anyhow!(unknown())),
    }
    job.platform = args.platform.pairs(job.cpu)?;
    let mut campaign = campaign(&[job.cpu], Effort::Normal, args.kernel.as_ref())?;
    // A claim is found by its trace; a crash image is one of many.
    campaign.only =
        (!image.starts_with("claim") && !image.starts_with("untracked")).then(|| image.to_owned());
    // A crash in recovery is named after both.
    campaign.nested = args.nested || image.matches('-').count() == 3;
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
