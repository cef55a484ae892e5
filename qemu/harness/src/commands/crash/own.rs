//! A kernel of one's own: its file, its CPU, how it is run.

use super::Args;
use crate::{
    arch::Arch,
    crash::{
        model,
        plan::{CPUS, Cpu, Job, Own},
        schedules::Schedules,
    },
    elf, toolchain, workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The kernel's file. One of kpmem-guest's programs is built.
pub(super) fn kernel(args: &Args) -> Result<Option<PathBuf>> {
    let Some(kernel) = &args.kernel else {
        return Ok(None);
    };
    let name = kernel.to_string_lossy();
    if kernel.exists() || name.contains('/') {
        return Ok(Some(kernel.clone()));
    }
    let names = programs()?;
    if !names.iter().any(|known| *known == name) {
        bail!(
            "{name} is neither a file nor one of kpmem-guest's programs: {}",
            names.join(", ")
        );
    }
    let arch = args.arch.first().copied().unwrap_or(Arch::X86_64);
    let mut built = toolchain::build(arch, "kpmem-guest")?;
    let found = built.remove(name.as_ref());
    let file = found.with_context(|| format!("kpmem-guest has no program {name} for {arch}"))?;
    Ok(Some(file))
}

/// What kpmem-guest's programs are called.
fn programs() -> Result<Vec<String>> {
    let folder = workspace::root().join("qemu/guest/src/bin");
    let entries = fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

/// The CPU of a kernel of one's own: QEMU says how long its lines are.
pub(super) fn cpu(kernel: &Path, args: &Args, line: Option<usize>) -> Result<Cpu> {
    let arch = elf::arch_of(kernel)?;
    if args.arch.iter().any(|asked| *asked != arch) {
        bail!("{} is a kernel for {arch}", kernel.display());
    }
    if let Some(model) = &args.own.cpu {
        return model::cpu(arch, model, line);
    }
    let line = line.unwrap_or(64);
    let known = CPUS.iter().find(|cpu| cpu.arch == arch && cpu.line == line);
    let known = known.with_context(|| {
        format!("no {arch} CPU with lines of {line} bytes is known: name one by --cpu")
    })?;
    Ok(Cpu {
        model: known.model,
        ..model::cpu(arch, known.model, Some(line))?
    })
}

/// Its one run.
pub(super) fn job(cpu: Cpu, kernel: &Path, args: &Args) -> Result<Job> {
    let profile = cpu.named_profile(args.profile.as_deref())?;
    if args.nested && args.own.smp > 1 {
        bail!("--nested follows the recovery of one CPU: leave --smp out");
    }
    Ok(Job {
        schedules: args.schedules()?,
        own: Some(args.own()),
        platform: args.platform.pairs(cpu)?,
        ..Job::new(cpu, &workload(kernel, &args.args), profile, args.seed, 1)
    })
}

/// A name for a kernel or program with its parameters, of which a file's name can be made.
pub(super) fn workload(file: &Path, args: &str) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem} {args}");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<_> = name
        .split(|c| !is_plain(c))
        .filter(|w| !w.is_empty())
        .collect();
    words.join("-").chars().take(80).collect()
}

impl Args {
    /// Under which schedules a kernel's CPUs take turns.
    pub(super) fn schedules(&self) -> Result<Option<Schedules>> {
        if self.schedules.is_some() && self.own.smp < 2 {
            bail!("--schedules is for several CPUs: say --smp 2, or more");
        }
        Ok(self.schedules.map(Schedules::most))
    }

    pub(super) fn own(&self) -> Own {
        Own {
            args: self.args.clone(),
            smp: self.own.smp,
            size: self.own.size.unwrap_or(1 << 20),
            model: self.own.cpu.clone(),
            again: None,
        }
    }
}
