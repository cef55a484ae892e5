//! `cargo xtask judge` on functions that are known to be right or wrong, and on files that it must
//! refuse.

mod kinds;
mod known;
mod refused;
mod table;

use crate::{
    arch::Arch,
    crash::plan::{CPUS, Cpu},
    judge::{self, Objects, Question},
    parallel, process,
    report::{Case, Suite, Verdict},
    setup,
    toolchain::{self, Toolchain},
    tools::LIBPMEM2,
    workspace,
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A call that takes longer does not come to its end.
const STALL: Duration = Duration::from_secs(5);

/// A question, and what must come of it.
#[derive(Debug)]
struct Ask {
    name: String,
    question: Question,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Right,
    /// A fault with one of these words, which `|` parts.
    Wrong(String),
    /// No judgement, but an error with one of these words.
    Refused(String),
}

impl Ask {
    fn right(name: String, question: Question) -> Self {
        let answer = Answer::Right;
        Self {
            name,
            question,
            answer,
        }
    }

    fn wrong(name: String, question: Question, words: &str) -> Self {
        let answer = Answer::Wrong(words.to_owned());
        Self {
            name,
            question,
            answer,
        }
    }

    fn refused(name: String, question: Question, words: &str) -> Self {
        let answer = Answer::Refused(words.to_owned());
        Self {
            name,
            question,
            answer,
        }
    }

    fn check(&self) -> Result<(), String> {
        let judged = Objects::read(&self.question.file).and_then(|_| judge::run(&self.question));
        let faults = judged.map(|verdict| {
            let functions = verdict.functions.into_iter();
            functions
                .flat_map(|function| function.faults)
                .collect::<Vec<_>>()
        });
        let has = |said: &str, words: &str| words.split('|').any(|word| said.contains(word));
        match (&self.answer, faults) {
            (Answer::Right, Ok(faults)) if faults.is_empty() => Ok(()),
            (Answer::Wrong(words), Ok(faults)) if faults.iter().any(|f| has(f, words)) => Ok(()),
            (Answer::Refused(words), Err(error)) if has(&format!("{error:#}"), words) => Ok(()),
            (_, Ok(faults)) if faults.is_empty() => Err("it was called right".to_owned()),
            (_, Ok(faults)) => Err(faults.join("; ")),
            (_, Err(error)) => Err(format!("{error:#}")),
        }
    }
}

/// Runs all of it; without a C compiler nothing but what needs none.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("judge", None, None);
    let folder = tempfile::tempdir().context("cannot make a directory for objects")?;
    let folder = folder.path();
    let mut asks = refused::asks(folder)?;
    for arch in Arch::ALL {
        let Some(cpu) = CPUS.iter().find(|cpu| cpu.arch == arch && cpu.line == 64) else {
            continue;
        };
        asks.push(own(*cpu)?);
        if !setup::has_clang() {
            suite.add(skipped(format!("functions in C on {arch}"), "clang"));
            continue;
        }
        asks.extend(known::asks(&mut suite, *cpu, folder)?);
        asks.extend(kinds::asks(*cpu, folder)?);
    }
    if setup::has_clang() && setup::has_libpmem2() {
        asks.extend(peer(folder)?);
    } else {
        suite.add(skipped(
            "libpmem2's functions".to_owned(),
            "libpmem2's static library",
        ));
    }
    let results = parallel::map(&asks, Ask::check);
    for (ask, result) in asks.iter().zip(results) {
        suite.add(Case::from_result(ask.name.clone(), result));
    }
    Ok(suite)
}

fn skipped(name: String, what: &str) -> Case {
    let verdict = Verdict::Skipped(format!("{what} is not installed"));
    Case { name, verdict }
}

fn question(cpu: Cpu, file: &Path, symbols: &[(&'static str, &str)], step: u32) -> Question {
    let returns = symbols.iter().any(|(_, symbol)| symbol.contains("returns"));
    let symbols = symbols
        .iter()
        .map(|(what, symbol)| (*what, (*symbol).to_owned()));
    Question {
        file: file.to_owned(),
        symbols: symbols.collect::<BTreeMap<_, _>>(),
        cpu,
        profile: cpu.profile(),
        platform: Vec::new(),
        seed: 1,
        returns,
        step,
        stall: STALL,
    }
}

fn sources() -> PathBuf {
    workspace::root().join("qemu/judged/c")
}

/// Compiles a source file for a bare target.
fn compile(arch: Arch, source: &str, folder: &Path) -> Result<PathBuf> {
    let object = folder.join(format!("{source}-{arch}.o"));
    let mut command = Command::new("clang");
    command.args(["-O2", "-ffreestanding", "-Wall", "-Werror", "-c"]);
    command.arg(format!("--target={arch}-none-elf"));
    command
        .arg("-I")
        .arg(workspace::root().join("qemu/marks/include"));
    if arch == Arch::Riscv64 {
        command.args([
            "-march=rv64gc",
            "-mabi=lp64d",
            "-mno-relax",
            "-mcmodel=medany",
        ]);
    }
    command.arg(sources().join(format!("{source}.c")));
    process::run(command.arg("-o").arg(&object))?;
    Ok(object)
}

/// kpmem's functions, from a static library as a kernel in C links it.
fn own(cpu: Cpu) -> Result<Ask> {
    let compiler = Toolchain::require(cpu.arch)?;
    let mut command = compiler.cargo_for(cpu.arch, "build");
    command.args(["--release", "--package", "kpmem-judged"]);
    let file = toolchain::static_library(command, "kpmem_judged")?;
    let all = [
        ("persist", "right_persist"),
        ("flush", "right_flush"),
        ("drain", "right_drain"),
        ("memmove", "right_memmove"),
        ("memset", "right_memset"),
    ];
    let name = format!("kpmem's own functions on {} are right", cpu.arch);
    Ok(Ask::right(name, question(cpu, &file, &all, 7)))
}

/// PMDK's functions from the distribution's static library: its persist is right, and its copies
/// tear aligned words.
fn peer(folder: &Path) -> Result<[Ask; 2]> {
    let (object, both) = (folder.join("libpmem2.o"), folder.join("peer.o"));
    let mut compile = Command::new("clang");
    compile.args(["-O2", "-c", "--target=x86_64-linux-gnu"]);
    compile
        .arg(sources().join("libpmem2.c"))
        .arg("-o")
        .arg(&object);
    process::run(&mut compile)?;
    let mut join = Command::new("ld");
    join.args(["-r", "-o"])
        .arg(&both)
        .arg(&object)
        .arg(LIBPMEM2);
    process::run(&mut join)?;
    let ask = |symbols: &[_]| question(CPUS[0], &both, symbols, 21);
    Ok([
        Ask::right(
            "libpmem2's persist is right".to_owned(),
            ask(&[("persist", "right_persist")]),
        ),
        Ask::wrong(
            "libpmem2's torn copies are shown".to_owned(),
            ask(&[("memcpy", "torn_memcpy")]),
            "in parts",
        ),
    ])
}
