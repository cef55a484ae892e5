//! `cargo xtask judge`.

use super::machine::Platform;
use crate::{
    crash::{
        pages,
        plan::{CPUS, Cpu},
    },
    judge::{self, Judgement, Objects, Question, Verdict},
    report::write_json,
    setup,
};
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An object file or static library of a bare or Linux target (C, C++, Rust, assembly).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its `void persist(const void *, size_t)`.
    #[arg(long, value_name = "SYMBOL")]
    persist: Option<String>,
    /// Its `void flush(const void *, size_t)`, which need not wait.
    #[arg(long, value_name = "SYMBOL", requires = "drain")]
    flush: Option<String>,
    /// Its `void drain(void)`, which waits; also called after each copy.
    #[arg(long, value_name = "SYMBOL")]
    drain: Option<String>,
    /// Its durable `memcpy(void *, const void *, size_t)`.
    #[arg(long, value_name = "SYMBOL")]
    memcpy: Option<String>,
    /// Its durable `memmove(void *, const void *, size_t)`.
    #[arg(long, value_name = "SYMBOL")]
    memmove: Option<String>,
    /// Its durable `memset(void *, int, size_t)`.
    #[arg(long, value_name = "SYMBOL")]
    memset: Option<String>,
    /// The copies are to return their destination, as C's do.
    #[arg(long)]
    returns: bool,
    /// Bytes of a line of the CPU: 64; on aarch64 also 256, on riscv64 32 and 128.
    #[arg(long)]
    line: Option<usize>,
    /// The platform: px86, amd, arm, riscv, eadr, torn8.
    #[arg(long)]
    profile: Option<String>,
    /// Chooses contents, and the random calls.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    platform: Platform,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let question = question(args)?;
    setup::ensure()?;
    let verdict = judge::run(&question)?;
    write_json("judge", &verdict)?;
    let kernels = BTreeMap::from([(question.cpu.arch.name(), verdict.kernel.clone())]);
    pages::show(&kernels, &verdict.found)?;
    let shown: Vec<_> = verdict
        .found
        .iter()
        .map(|found| &found.failure.what)
        .collect();
    for function in &verdict.functions {
        if function.faults.is_empty() {
            println!("{}", praise(function));
        }
        for fault in function
            .faults
            .iter()
            .filter(|fault| !shown.contains(fault))
        {
            println!("{fault}");
        }
    }
    Ok(conclude(&verdict))
}

fn question(args: &Args) -> Result<Question> {
    let arch = Objects::read(&args.file)?.arch;
    let line = args.line.unwrap_or(64);
    let mut cpus = CPUS.iter().filter(|cpu| cpu.arch == arch);
    let cpu: Cpu = *cpus
        .find(|cpu| cpu.line == line)
        .with_context(|| format!("QEMU has no {arch} CPU with lines of {line} bytes"))?;
    let name = args.profile.as_deref().unwrap_or(cpu.profile());
    let profile = cpu.profiles().iter().find(|known| **known == name);
    let given = [
        ("persist", &args.persist),
        ("flush", &args.flush),
        ("drain", &args.drain),
        ("memcpy", &args.memcpy),
        ("memmove", &args.memmove),
        ("memset", &args.memset),
    ];
    let symbols: BTreeMap<_, _> = given
        .into_iter()
        .filter_map(|(what, symbol)| Some((what, symbol.clone()?)))
        .collect();
    if symbols.keys().all(|what| *what == "drain") {
        bail!("nothing to judge: name a function by --persist, --flush, --memcpy or --memset");
    }
    Ok(Question {
        file: args.file.clone(),
        symbols,
        cpu,
        profile: profile.with_context(|| {
            format!(
                "the profile {name} is none of {arch}'s: {}",
                cpu.profiles().join(", ")
            )
        })?,
        platform: args.platform.pairs(cpu)?,
        seed: args.seed,
        returns: args.returns,
        step: 1,
        stall: judge::STALL,
    })
}

fn praise(function: &Judgement) -> String {
    let Judgement {
        what,
        symbol,
        calls,
        redundant_flushes,
        redundant_fences,
        ..
    } = function;
    format!(
        "{symbol} keeps the promise of a {what}: {calls} calls, every byte durable \
             ({redundant_flushes} flushes and {redundant_fences} fences could be left out)"
    )
}

fn conclude(verdict: &Verdict) -> ExitCode {
    if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        println!("FAILED: see above.");
        ExitCode::FAILURE
    }
}
