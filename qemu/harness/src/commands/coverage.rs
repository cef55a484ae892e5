//! `cargo xtask coverage`.

use crate::{process, report::write_json, setup, workspace};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Where every branch must be taken, both ways.
const WHOLE: [&str; 2] = ["src/firmware/", "src/platform/"];

/// Counting branches, and not only regions, is for nightly compilers.
const FLAGS: &str = "-Cinstrument-coverage -Zcoverage-options=branch";

/// Of one file.
#[derive(Debug, Serialize)]
struct Covered {
    file: String,
    lines: [u64; 2],
    branches: [u64; 2],
}

/// Runs the tests of firmware's tables and of virtio, and counts.
pub(super) fn run() -> Result<ExitCode> {
    setup::ensure()?;
    let mut component = Command::new("rustup");
    component.args(["component", "add", "llvm-tools", "--toolchain", "nightly"]);
    process::run(&mut component).context("a nightly compiler with llvm-tools is needed")?;
    let dir = workspace::reports().join("coverage");
    let _ = fs::remove_dir_all(dir.join("profiles"));
    let mut tests = Command::new("cargo");
    tests
        .args([
            "+nightly",
            "test",
            "--quiet",
            "--package",
            "kpmem-tests",
            "--features",
            "acpi,fdt,virtio-pmem",
        ])
        .args(["--test", "firmware", "--test", "virtio", "--target-dir"])
        .arg(dir.join("target"))
        .env_remove("RUSTC")
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTFLAGS", FLAGS)
        .env("LLVM_PROFILE_FILE", dir.join("profiles/%p-%m.profraw"))
        .current_dir(workspace::root());
    process::run(&mut tests)?;
    let covered = read(&dir)?;
    for file in &covered {
        let [lines, branches] =
            [file.lines, file.branches].map(|[hit, all]| format!("{hit}/{all}"));
        println!("{:40} {lines:>9} lines {branches:>9} branches", file.file);
    }
    write_json("coverage", &covered)?;
    let whole = |file: &&Covered| WHOLE.iter().any(|part| file.file.starts_with(part));
    let parsers: Vec<_> = covered.iter().filter(whole).collect();
    let [hit, all] = parsers.iter().fold([0, 0], |[hit, all], file| {
        [hit + file.branches[0], all + file.branches[1]]
    });
    println!("{hit} of {all} branches of the parsers and of the platform");
    if hit < all || all == 0 {
        bail!("not all are taken");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the profiles in a directory say of the library's files.
fn read(dir: &Path) -> Result<Vec<Covered>> {
    let merged = dir.join("all.profdata");
    let mut merge = Command::new(tool("llvm-profdata")?);
    merge
        .args(["merge", "-sparse"])
        .args(files(&dir.join("profiles"), "profraw")?);
    process::run(merge.arg("-o").arg(&merged))?;
    let mut export = Command::new(tool("llvm-cov")?);
    export
        .args(["export", "--summary-only", "--instr-profile"])
        .arg(&merged);
    for program in tests(&dir.join("target/debug/deps"))? {
        export.arg("-object").arg(program);
    }
    let export: Value = serde_json::from_str(&process::stdout_of(&mut export)?)?;
    let files = export["data"][0]["files"]
        .as_array()
        .context("llvm-cov names no file")?;
    let root = format!("{}/", workspace::root().display());
    let counted =
        |summary: &Value| ["covered", "count"].map(|of| summary[of].as_u64().unwrap_or(0));
    let ours = files.iter().filter_map(|file| {
        let name = file["filename"].as_str()?.strip_prefix(&root)?;
        name.starts_with("src/").then(|| Covered {
            file: name.to_owned(),
            lines: counted(&file["summary"]["lines"]),
            branches: counted(&file["summary"]["branches"]),
        })
    });
    Ok(ours.collect())
}

/// A program of the nightly compiler's.
fn tool(name: &str) -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["+nightly", "--print", "target-libdir"])
        .env_remove("RUSTUP_TOOLCHAIN");
    let libdir = PathBuf::from(process::stdout_of(&mut rustc)?.trim());
    Ok(libdir.with_file_name("bin").join(name))
}

/// The built tests.
fn tests(deps: &Path) -> Result<Vec<PathBuf>> {
    let all = files(deps, "")?.into_iter();
    let is_test = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("firmware-") || name.starts_with("virtio-")
    };
    Ok(all.filter(is_test).collect())
}

/// The files of a directory with an extension.
fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("no {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().unwrap_or_default() == extension {
            found.push(path);
        }
    }
    Ok(found)
}
