//! `cargo xtask judge` on functions that are known to be right or wrong, and on files that it must
//! refuse.

use crate::{
    arch::Arch,
    crash::plan::{CPUS, Cpu},
    judge::{self, Question},
    process,
    report::{Case, Suite, Verdict},
    setup,
    toolchain::{self, Toolchain},
    tools::LIBPMEM2,
    workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

/// Bugs that every instruction set can have, and words of the sentence that tells of each.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "persist",
        "wrong_rounding",
        "(base+0x3f, 2) leaves line +0x40 unflushed",
    ),
    ("persist", "wrong_last_line", "unflushed"),
    ("persist", "wrong_count", "unflushed"),
    ("persist", "wrong_register", "unflushed"),
    ("persist", "wrong_no_fence", "without having waited"),
    (
        "persist",
        "wrong_nothing",
        ", 1) leaves line +0x0 unflushed",
    ),
    ("persist", "wrong_order", "without having waited"),
    ("memcpy", "wrong_memcpy_torn", "in parts"),
    ("memcpy", "wrong_memcpy_tail", "unflushed"),
    ("memcpy", "wrong_memcpy_content", "leaves another byte"),
    ("memmove", "wrong_memmove_forwards", "leaves another byte"),
    ("memset", "wrong_memset_unflushed", "unflushed"),
    ("persist", "wrong_long", "unflushed"),
    ("persist", "wrong_empty", "did not come to its end"),
    (
        "memcpy",
        "wrong_memcpy_reads_on",
        "reads behind the end of its source",
    ),
    ("memmove", "wrong_memmove_one_way", "leaves another byte"),
    ("memset", "wrong_memset_overruns", "leaves another byte"),
    ("persist", "wrong_same_line", "unflushed"),
    ("persist", "wrong_same_range", "unflushed"),
    ("persist", "wrong_first_call", "unflushed"),
    ("persist", "wrong_16_bits", "unflushed"),
    ("persist", "wrong_page_threes", "unflushed"),
    (
        "memcpy",
        "wrong_memcpy_returns_end",
        "does not return its destination",
    ),
    ("memcpy", "wrong_memcpy_neighbour", "leaves another byte"),
    ("memcpy", "wrong_memcpy_source", "changes its source"),
    ("memset", "wrong_memset_value", "leaves another byte"),
    ("memset", "wrong_memset_shortcut", "leaves another byte"),
];

/// Bugs of one instruction set.
fn wrong_of(arch: Arch) -> &'static [(&'static str, &'static str, &'static str)] {
    match arch {
        Arch::X86_64 => &[
            ("persist", "wrong_lfence", "without having waited"),
            ("memcpy", "wrong_memcpy_movnti", "without having waited"),
        ],
        Arch::Aarch64 => &[
            ("persist", "wrong_rounding", "unflushed"),
            ("persist", "wrong_dmb", "without having waited"),
            ("persist", "wrong_dsb_ishst", "without having waited"),
            ("persist", "wrong_cvac", "unflushed"),
        ],
        Arch::Riscv64 => &[
            ("persist", "wrong_rounding", "unflushed"),
            ("persist", "wrong_fence_r_r", "without having waited"),
            ("persist", "wrong_fence_w_w", "without having waited"),
        ],
    }
}

/// Runs all of it; without a C compiler nothing but what needs none.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("judge", None, None);
    let folder = tempfile::tempdir().context("cannot make a directory for objects")?;
    for arch in Arch::ALL {
        let Some(cpu) = CPUS.iter().find(|cpu| cpu.arch == arch && cpu.line == 64) else {
            continue;
        };
        suite.add(Case::from_result(
            format!("kpmem's own functions on {arch} are right"),
            own(*cpu),
        ));
        if !setup::has_clang() {
            suite.add(skipped(arch, "no clang is installed"));
            continue;
        }
        in_c(&mut suite, *cpu, folder.path())?;
    }
    for (name, result) in refusals(folder.path()) {
        suite.add(Case::from_result(name, result));
    }
    suite.add(peer(folder.path()));
    Ok(suite)
}

fn skipped(arch: Arch, why: &str) -> Case {
    Case {
        name: format!("functions in C on {arch}"),
        verdict: Verdict::Skipped(why.to_owned()),
    }
}

fn in_c(suite: &mut Suite, cpu: Cpu, folder: &Path) -> Result<()> {
    let arch = cpu.arch;
    let object = compile(arch, arch.name(), folder)?;
    let all = [
        ("persist", "right_persist"),
        ("flush", "right_flush"),
        ("drain", "right_drain"),
        ("memcpy", "right_memcpy"),
        ("memmove", "right_memmove"),
        ("memset", "right_memset"),
    ];
    suite.add(Case::from_result(
        format!("right functions in C on {arch} are called right"),
        right(question(cpu, &object, &all, 13)),
    ));
    if arch == Arch::Aarch64 {
        suite.add(Case::from_result(
            "the order of Linux is right",
            right(question(cpu, &object, &[("persist", "right_linux")], 13)),
        ));
    }
    let general: &[_] = if arch == Arch::X86_64 { WRONG } else { &[] };
    for (what, symbol, words) in general.iter().chain(wrong_of(arch)) {
        // The smallest counterexample has to be looked for everywhere.
        let step = if words.contains("base") { 1 } else { 21 };
        suite.add(Case::from_result(
            format!("{symbol} on {arch} is found"),
            wrong(question(cpu, &object, &[(what, symbol)], step), words),
        ));
    }
    let marks = compile(arch, "marks", folder)?;
    suite.add(Case::from_result(
        format!("kpmem_marks.h on {arch} says what kpmem-marks says"),
        header(&marks, arch),
    ));
    suite.add(Case::from_result(
        format!("a claim in C on {arch} that holds is no fault"),
        right(question(cpu, &marks, &[("persist", "right_claim")], 50)),
    ));
    suite.add(Case::from_result(
        format!("a claim in C on {arch} that comes too early is found"),
        wrong(
            question(cpu, &marks, &[("persist", "wrong_claim")], 50),
            "unflushed",
        ),
    ));
    Ok(())
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
    }
}

fn faults(question: Question) -> Result<Vec<String>, String> {
    let verdict = judge::run(&question).map_err(|error| format!("{error:#}"))?;
    let functions = verdict.functions.into_iter();
    Ok(functions.flat_map(|function| function.faults).collect())
}

fn right(question: Question) -> Result<(), String> {
    match faults(question)? {
        none if none.is_empty() => Ok(()),
        faults => Err(faults.join("; ")),
    }
}

fn wrong(question: Question, words: &str) -> Result<(), String> {
    let faults = faults(question)?;
    if faults.iter().any(|fault| fault.contains(words)) {
        return Ok(());
    }
    Err(match faults.is_empty() {
        true => "nothing was found".to_owned(),
        false => faults.join("; "),
    })
}

fn sources() -> PathBuf {
    workspace::root().join("qemu/judged/c")
}

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

/// Every mark, in the order of their numbers, as the simulator decodes them.
fn header(object: &Path, arch: Arch) -> Result<(), String> {
    let found = judge::marks_in(object, arch, "all_marks").map_err(|error| format!("{error:#}"))?;
    let expected: Vec<u8> = (0..=6).collect();
    if found == expected {
        Ok(())
    } else {
        Err(format!("the marks are {found:?}, not {expected:?}"))
    }
}

/// kpmem's functions, from a static library as a kernel in C links it.
fn own(cpu: Cpu) -> Result<(), String> {
    let library = || -> Result<PathBuf> {
        let compiler = Toolchain::require(cpu.arch)?;
        let mut command = compiler.cargo_for(cpu.arch, "build");
        command.args(["--release", "--package", "kpmem-judged"]);
        toolchain::static_library(command, "kpmem_judged")
    };
    let file = library().map_err(|error| format!("{error:#}"))?;
    let all = [
        ("persist", "right_persist"),
        ("flush", "right_flush"),
        ("drain", "right_drain"),
        ("memmove", "right_memmove"),
        ("memset", "right_memset"),
    ];
    right(question(cpu, &file, &all, 7))
}

/// PMDK's functions from the distribution's static library: its persist is right, and its copies
/// tear aligned words.
fn peer(folder: &Path) -> Case {
    const NAME: &str = "libpmem2's persist is right, and its torn copies are shown";
    if !setup::has_clang() || !setup::has_libpmem2() {
        return Case {
            name: NAME.to_owned(),
            verdict: Verdict::Skipped("libpmem2's static library is not installed".to_owned()),
        };
    }
    let check = || -> Result<()> {
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
        let said = |error: String| anyhow::anyhow!(error);
        right(ask(&[("persist", "right_persist")])).map_err(said)?;
        wrong(ask(&[("memcpy", "torn_memcpy")]), "in parts").map_err(said)
    };
    Case::from_result(NAME, check().map_err(|error| format!("{error:#}")))
}

/// What is no file of functions, and what it must be told.
fn refusals(folder: &Path) -> Vec<(&'static str, Result<(), String>)> {
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map(|()| path)
    };
    let refused = |path: PathBuf, symbol: &str, words: &str| -> Result<()> {
        let arch = judge::arch_of(&path);
        let said = match arch {
            Err(error) => format!("{error:#}"),
            Ok(_) => match judge::run(&question(CPUS[0], &path, &[("persist", symbol)], 50)) {
                Err(error) => format!("{error:#}"),
                Ok(_) => bail!("it was judged"),
            },
        };
        if said.contains(words) {
            Ok(())
        } else {
            bail!("it was told: {said}")
        }
    };
    let try_all = |result: std::io::Result<PathBuf>, symbol: &str, words: &str| {
        let path = result.map_err(|error| error.to_string())?;
        refused(path, symbol, words).map_err(|error| format!("{error:#}"))
    };
    let exe = std::env::current_exe();
    vec![
        (
            "a text is refused",
            try_all(
                file("text", b"not an object\n"),
                "f",
                "neither an ELF object",
            ),
        ),
        (
            "an empty library is refused",
            try_all(file("empty.a", b"!<arch>\n"), "f", "holds no object file"),
        ),
        (
            "a file that is not there is refused",
            try_all(Ok(folder.join("nowhere.o")), "f", "cannot read"),
        ),
        (
            "a program is refused",
            try_all(exe, "f", "is linked already"),
        ),
    ]
}
