//! Judges flush and copy functions that somebody else wrote: links them into a guest, has them
//! called on everything that can make a difference, and says what they leave to luck.

mod apart;
mod files;
mod link;
mod marks;
mod objects;
mod sentence;

use crate::{
    arch::Arch,
    caller,
    crash::{
        found::Found,
        plan::{Cpu, Job, Own},
        plugin,
        simulate::{self, Outcome, Simulation, Tried},
    },
    machine::Machine,
};
use anyhow::{Context, Result, bail};
use kpmem_findings::{Failure, Traced};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

pub use apart::PREFIX;
pub use marks::marks_in;
pub use objects::Objects;

/// The calls of one function may take this long.
const LIMIT: Duration = Duration::from_secs(600);
/// One call may take this long if nothing else is said.
pub const STALL: Duration = Duration::from_secs(20);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The object file or static library.
    pub file: PathBuf,
    /// Its functions, by what they are for: persist, flush, drain, memcpy, memmove, memset.
    pub symbols: BTreeMap<&'static str, String>,
    /// The CPU that they run on.
    pub cpu: Cpu,
    /// The platform.
    pub profile: &'static str,
    /// Properties of it that are not the profile's.
    pub platform: Vec<(&'static str, String)>,
    /// Chooses contents, and the random calls.
    pub seed: u64,
    /// Copies are to return their destination.
    pub returns: bool,
    /// Try every n-th length only, and as many fewer random calls.
    pub step: u32,
    /// How long one call may take.
    pub stall: Duration,
}

/// What is judged: one function, with what it needs.
const TRIALS: [&str; 5] = ["persist", "flush", "memcpy", "memmove", "memset"];

/// What came of one function.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement {
    /// What it is for.
    pub what: &'static str,
    /// Its name in the file.
    pub symbol: String,
    /// Calls that were made, and claimed.
    pub calls: u64,
    /// What is wrong, in sentences; the smallest call that shows it first.
    pub faults: Vec<String>,
    /// Flushes that could be left out.
    pub redundant_flushes: u64,
    /// Fences that could be left out.
    pub redundant_fences: u64,
}

/// All that was judged.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// The file.
    pub file: PathBuf,
    /// Its instruction set.
    pub arch: String,
    /// Bytes of a line.
    pub line: usize,
    /// The platform.
    pub profile: String,
    /// The functions.
    pub functions: Vec<Judgement>,
    /// The failures, for their pages.
    #[serde(skip)]
    pub found: Vec<Found>,
    /// The guest that they were linked into.
    #[serde(skip)]
    pub kernel: PathBuf,
}

impl Verdict {
    /// Whether every function does what it promises.
    pub fn is_good(&self) -> bool {
        !self.functions.is_empty() && self.functions.iter().all(|f| f.faults.is_empty())
    }
}

/// Judges all that is asked.
pub fn run(question: &Question) -> Result<Verdict> {
    let arch = question.cpu.arch;
    let linked = link::link(question)?;
    let plugin = plugin::build()?;
    let mut verdict = Verdict {
        file: question.file.clone(),
        arch: arch.name().to_owned(),
        line: question.cpu.line,
        profile: question.profile.to_owned(),
        functions: Vec::new(),
        found: Vec::new(),
        kernel: linked.kernel.clone(),
    };
    for what in TRIALS {
        let Some(symbol) = question.symbols.get(what) else {
            continue;
        };
        let job = job(question, what);
        let outcome = simulate(question, &job, &linked.kernel, &plugin)
            .with_context(|| format!("cannot judge {symbol}"))?;
        let faults = sentence::of(question, what, symbol, &outcome, &linked.missing);
        let sum = |of: fn(&Traced) -> u64| outcome.traced().map(of).sum();
        let mut judgement = Judgement {
            what,
            symbol: symbol.clone(),
            calls: sum(|traced| traced.claims),
            faults,
            redundant_flushes: sum(|traced| traced.redundant_flushes),
            redundant_fences: sum(|traced| traced.redundant_fences),
        };
        if judgement.calls == 0 && judgement.faults.is_empty() {
            judgement.faults.push(format!("{symbol} was never called"));
        }
        let first = sentence::by_size(&outcome).first().copied().cloned();
        let said = |mut failure: Failure| {
            failure.what.clone_from(&judgement.faults[0]);
            Found { job, failure }
        };
        verdict.found.extend(first.map(said));
        verdict.functions.push(judgement);
    }
    if verdict.functions.is_empty() {
        bail!("nothing to judge: name a function by --persist, --flush, --memcpy or --memset");
    }
    Ok(verdict)
}

fn job(question: &Question, what: &str) -> Job {
    let Cpu { arch, line, .. } = question.cpu;
    let after = question.symbols.contains_key("drain") && what != "persist";
    let (drain, seed, step) = (u8::from(after), question.seed, question.step);
    let returns = u8::from(question.returns);
    // Each call of one length has eight lines of its own.
    let size: u64 = if line > 128 { 4 << 20 } else { 1 << 20 };
    let stem = question.file.file_stem().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = stem.to_string_lossy().chars().map(plain).collect();
    Job {
        own: Some(Own {
            args: format!(
                "what={what} drain={drain} line={line} seed={seed} step={step} returns={returns}"
            ),
            smp: 1,
            size,
            model: None,
            again: Some(command(question)),
        }),
        platform: question.platform.clone(),
        ..Job::new(
            Cpu {
                arch,
                ..question.cpu
            },
            &format!("{name}-{what}"),
            question.profile,
            seed,
            1,
        )
    }
}

/// The command line that asks again.
fn command(question: &Question) -> String {
    let mut text = format!("{} {}", caller::judge(), question.file.display());
    for (what, symbol) in &question.symbols {
        text += &format!(" --{what} {symbol}");
    }
    if question.returns {
        text += " --returns";
    }
    let options = [
        ("line", question.cpu.line.to_string()),
        ("profile", question.profile.to_owned()),
        ("seed", question.seed.to_string()),
    ];
    let options = options.into_iter().chain(question.platform.iter().cloned());
    options.fold(text, |text, (key, value)| format!("{text} --{key} {value}"))
}

/// The CPU with the most instructions: what they were compiled for is not known.
fn model(cpu: Cpu) -> String {
    match cpu.arch {
        Arch::X86_64 | Arch::Aarch64 => cpu.model.to_owned(),
        Arch::Riscv64 => format!("max,cbom_blocksize={}", cpu.line),
    }
}

fn simulate(question: &Question, job: &Job, kernel: &Path, plugin: &Path) -> Result<Outcome> {
    let Cpu {
        arch, line, zva, ..
    } = question.cpu;
    let images = tempfile::tempdir().context("cannot make a directory for crash images")?;
    let simulation = Simulation {
        machine: Machine::new(arch)
            .with_cpu(model(question.cpu))
            .with_quick(true),
        kernel,
        args: job.args(),
        plugin,
        base: question.cpu.base(),
        size: job.size(),
        line,
        zva,
        profile: question.profile,
        platform: question.platform.clone(),
        words: job.args().contains("what=mem"),
        seed: question.seed,
        samples: 0,
        enough: None,
        shard: (0, 1),
        only: None,
        hang: simulate::HANG,
        limit: LIMIT,
        stall: question.stall,
        guest: None,
        tried: Tried::All,
        schedules: None,
    };
    simulate::run(&simulation, images.path())
}
