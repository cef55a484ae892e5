//! Each function and each error, from C on the host.

use super::compile::{for_host, sources};
use crate::{
    capi::{self, archive::Target},
    process,
    report::{Case, Suite},
    suites::host::case,
    workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The fewest checks that the program may come to: fewer, and something was not run.
const FEWEST: u64 = 145;

/// The same program as C99 and as C++17.
pub(super) fn run() -> Result<Vec<Suite>> {
    let folder = tempfile::tempdir().context("cannot make a directory for programs")?;
    let library = capi::library(Target::Host, false)?;
    let mut suites = Vec::new();
    for standard in ["c99", "c++17"] {
        let program = build(standard, &library, folder.path())?;
        suites.push(of_program(standard, &program)?);
    }
    suites.push(examples(folder.path())?);
    Ok(suites)
}

/// What the README shows of C compiles.
fn examples(folder: &Path) -> Result<Suite> {
    let mut suite = Suite::new("README's C", None, None);
    let readme = fs::read_to_string(workspace::root().join("README.md"))?;
    let example = readme
        .split_once("```c\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let (example, _) = example.context("README.md has no example in C")?;
    for standard in ["c99", "c++17"] {
        let compiles = |text: &str| -> Result<bool> {
            let source = folder.join("example.c");
            fs::write(&source, text)?;
            let mut compiler = for_host(standard);
            let output = process::output_of(compiler.arg("-fsyntax-only").arg(source))?;
            Ok(output.status.success())
        };
        suite.add(Case::check(
            format!("the example compiles as {standard}"),
            compiles(example)?,
            "it does not",
        ));
        let wrong = example.replacen("&map, base, 1", "base, &map, 1", 1);
        suite.add(Case::check(
            format!("negative control: with arguments exchanged it does not, as {standard}"),
            !compiles(&wrong)?,
            "it does",
        ));
    }
    Ok(suite)
}

fn build(standard: &str, library: &Path, folder: &Path) -> Result<PathBuf> {
    let program = folder.join(standard);
    let mut compiler = for_host(standard);
    compiler.arg("-DKPMEM_DEVICE_TREE");
    compiler.args(sources("capi/tests/c")?);
    // The library is no source, whatever the language.
    compiler.args(["-x", "none"]).arg(library);
    process::run(compiler.arg("-o").arg(&program))?;
    Ok(program)
}

fn of_program(standard: &str, program: &Path) -> Result<Suite> {
    let name = format!("C API as {}", standard.to_uppercase());
    let mut suite = Suite::new(&name, None, None);
    let (text, passed) = said(program, &[])?;
    text.lines()
        .filter_map(case)
        .for_each(|case| suite.add(case));
    if suite.failed > 0 || !passed {
        suite.note(format!("the program said:\n{text}"));
    }
    let count = suite.passed;
    suite.add(Case::check(
        format!("at least {FEWEST} checks ran"),
        count >= FEWEST,
        format!("{count} did"),
    ));
    suite.add(Case::check(
        "the program ends with success",
        passed,
        "it does not",
    ));
    let (text, passed) = said(program, &["wrong"])?;
    suite.add(Case::check(
        "negative control: a check that does not hold is told",
        !passed && text.contains("... FAILED"),
        "it was not",
    ));
    Ok(suite)
}

/// What the program prints, and whether it succeeds.
fn said(program: &Path, more: &[&str]) -> Result<(String, bool)> {
    let tables = workspace::root().join("tests/data/firmware");
    let output = process::output_of(Command::new(program).arg(tables).args(more))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.is_empty() {
        bail!("{} printed nothing ({})", program.display(), output.status);
    }
    Ok((text, output.status.success()))
}
