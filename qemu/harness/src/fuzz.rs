//! The fuzzing targets of `qemu/fuzz`: libFuzzer, by the stable compiler.
//!
//! cargo-fuzz wants a nightly one for its sanitizers; the parsers are safe code, so that following
//! the branches is enough, and LLVM's pass for that is in every compiler.

use crate::{process, setup, toolchain::Toolchain, workspace};
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// What reads untrusted bytes.
pub const TARGETS: [&str; 8] = [
    "nfit", "cedt", "srat", "rhct", "fdt", "find", "virtio", HYPERVISOR,
];

/// The one of the hypervisor's device, which its suite runs.
pub const HYPERVISOR: &str = "vmm";

/// The negative control: it has a bug.
pub const CONTROL: &str = "control";

const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table \
                        -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing \
                        -Ccodegen-units=1 -Dwarnings";

/// One input may take so many seconds: more is a hang.
const SLOWEST: &str = "-timeout=10";

/// What became of one target.
#[derive(Debug, Serialize)]
pub struct Fuzzed {
    /// The target.
    pub target: &'static str,
    /// Inputs that were tried.
    pub executions: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Edges that were reached.
    pub edges: u64,
    /// What was found, if something was: the first line of it, and the file that does it.
    pub finding: Option<String>,
}

/// The built targets, by name; `None` if there is no C++ compiler, which libFuzzer needs.
pub fn build() -> Result<Option<BTreeMap<String, PathBuf>>> {
    let compiler = if process::find("c++").is_some() {
        "c++"
    } else if setup::has_clang() {
        "clang++"
    } else {
        return Ok(None);
    };
    let host = process::stdout_of(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say what its host is")?;
    let dir = workspace::target().join("fuzz");
    let mut build = Toolchain::active()?.cargo("build");
    // A target of its own, or the flags would be for build scripts, too.
    build
        .args(["--quiet", "--release", "--target", host, "--manifest-path"])
        .arg(home().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&dir)
        .env("CXX", compiler)
        .env("RUSTFLAGS", COVERAGE);
    process::run(&mut build)?;
    let dir = dir.join(host).join("release");
    let all = TARGETS.iter().chain([&CONTROL]);
    Ok(Some(
        all.map(|name| ((*name).to_owned(), dir.join(name)))
            .collect(),
    ))
}

fn home() -> PathBuf {
    workspace::root().join("qemu/fuzz")
}

/// Inputs that are kept, each for what no other reaches.
pub fn corpus(target: &str) -> PathBuf {
    home().join("corpus").join(target)
}

/// Tries so many inputs on a target, from the kept ones on. New ones go to a directory of their
/// own.
pub fn run(target: &'static str, program: &Path, runs: u64, seed: u64) -> Result<Fuzzed> {
    let found = found(target);
    fs::create_dir_all(&found)?;
    let mut command = Command::new(program);
    command
        .args([format!("-runs={runs}"), format!("-seed={seed}")])
        .args([SLOWEST, "-print_final_stats=1", "-rss_limit_mb=2048"])
        .arg(format!(
            "-artifact_prefix={}/{target}-",
            reports().display()
        ))
        .arg(&found);
    if corpus(target).is_dir() {
        command.arg(corpus(target));
    }
    let start = Instant::now();
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(Fuzzed {
        target,
        executions: number_after(&text, "stat::number_of_executed_units:").unwrap_or(0),
        seconds: start.elapsed().as_secs_f64(),
        edges: number_after(&text, "cov:").unwrap_or(0),
        finding: (!output.status.success()).then(|| finding(&text)),
    })
}

/// Keeps of what was found and kept the fewest inputs that reach as much.
pub fn keep(target: &str, program: &Path) -> Result<()> {
    let (kept, merged) = (corpus(target), reports().join(format!("{target}.merged")));
    fs::create_dir_all(&kept)?;
    let _ = fs::remove_dir_all(&merged);
    fs::create_dir_all(&merged)?;
    let mut merge = Command::new(program);
    merge
        .args(["-merge=1", SLOWEST])
        .args([&merged, &kept, &found(target)]);
    let output = merge.output()?;
    if !output.status.success() {
        bail!("{}", finding(&String::from_utf8_lossy(&output.stderr)));
    }
    fs::remove_dir_all(&kept)?;
    fs::rename(&merged, &kept)?;
    Ok(())
}

fn reports() -> PathBuf {
    workspace::reports().join("fuzz")
}

fn found(target: &str) -> PathBuf {
    reports().join(target)
}

/// The last number behind a word.
fn number_after(text: &str, word: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(word)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// What a target said when it ended early.
fn finding(text: &str) -> String {
    let telling = |line: &&str| {
        ["panicked at", "ERROR: libFuzzer", "Test unit written to"]
            .iter()
            .any(|words| line.contains(words))
    };
    let lines: Vec<_> = text.lines().filter(telling).collect();
    match lines[..] {
        [] => "it ended without a word".to_owned(),
        _ => lines.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says() {
        let text = "#2 INITED cov: 3 ft: 4\n#9 NEW    cov: 17 ft: 20 corp: 2\n\
                    stat::number_of_executed_units: 2000\n";
        assert_eq!(number_after(text, "cov:"), Some(17));
        assert_eq!(
            number_after(text, "stat::number_of_executed_units:"),
            Some(2000)
        );
        assert_eq!(number_after("", "cov:"), None);
        let panic = "x\nthread panicked at a.rs:3\n==1== ERROR: libFuzzer: deadly signal\ny";
        let told = "thread panicked at a.rs:3; ==1== ERROR: libFuzzer: deadly signal";
        assert_eq!(finding(panic), told);
        assert_eq!(finding(""), "it ended without a word");
    }
}
