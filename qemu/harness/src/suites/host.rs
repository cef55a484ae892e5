//! The suites that `cargo test` runs on the host.

use crate::{
    process,
    report::{Case, Suite, Verdict},
    toolchain::Toolchain,
};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::process::Output;

/// Programs for bare metal only, and packages of other users', which have their own suites.
const ELSEWHERE: [&str; 4] = [
    "kpmem-guest",
    "kpmem-artefact",
    "kpmem-unikernel",
    "kpmem-vmm",
];

/// As `.cargo/config.toml` has it for `cargo xtask`.
pub(crate) const PROFILES: [&str; 4] = [
    "--config",
    "profile.dev.package.kpmem-log.opt-level=3",
    "--config",
    "profile.dev.package.kpmem-harness.opt-level=0",
];

/// Runs the tests of every package of the workspace that can run here.
pub fn run() -> Result<Vec<Suite>> {
    let toolchain = Toolchain::active()?;
    packages(&toolchain)?
        .into_iter()
        .filter(|package| !ELSEWHERE.contains(&package.as_str()))
        .map(|package| one(&toolchain, &package))
        .collect()
}

/// Runs the tests of one package.
pub(super) fn one(toolchain: &Toolchain, package: &str) -> Result<Suite> {
    // What fails to compile is told as the compiler tells it.
    process::run(toolchain.cargo("test").args(PROFILES).args([
        "--no-run",
        "--all-features",
        "--package",
        package,
    ]))
    .with_context(|| format!("the tests of {package} do not build"))?;
    let output = process::output_of(
        toolchain
            .cargo("test")
            .args(PROFILES)
            .args(["--quiet", "--no-fail-fast", "--all-features"])
            .args(["--package", package])
            .args(["--", "--format", "pretty"]),
    )?;
    let mut suite = Suite::new(package, None, None);
    count(&output, &mut suite);
    Ok(suite)
}

/// Counts libtest's lines; a run that ends otherwise than they say is a failure too.
fn count(output: &Output, suite: &mut Suite) {
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        if let Some(case) = case(line) {
            suite.add(case);
        }
    }
    if !output.status.success() {
        print!("{text}{}", String::from_utf8_lossy(&output.stderr));
        if suite.failed == 0 {
            let why = format!("cargo test failed ({})", output.status);
            suite.add(Case::from_result("all tests ran", Err(why)));
        }
    }
}

/// `test NAME ... ok`, `FAILED` or `ignored, WHY`.
pub(super) fn case(line: &str) -> Option<Case> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let verdict = match outcome {
        "ok" => Verdict::Passed,
        "FAILED" => Verdict::Failed("see the output below".to_owned()),
        _ => Verdict::Skipped(
            outcome
                .strip_prefix("ignored")?
                .trim_start_matches([',', ' '])
                .to_owned(),
        ),
    };
    Some(Case {
        name: name.to_owned(),
        verdict,
    })
}

fn packages(toolchain: &Toolchain) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
    }
    let mut command = toolchain.cargo("metadata");
    let text = process::stdout_of(command.args(["--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&text).context("cannot read cargo metadata")?;
    if metadata.packages.is_empty() {
        bail!("cargo metadata names no packages");
    }
    Ok(metadata
        .packages
        .into_iter()
        .map(|package| package.name)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_lines_are_read() {
        let verdict = |line| case(line).map(|case| case.verdict);
        assert_eq!(verdict("test a::b ... ok"), Some(Verdict::Passed));
        assert!(matches!(
            verdict("test a ... FAILED"),
            Some(Verdict::Failed(_))
        ));
        assert_eq!(
            verdict("test a ... ignored, slow"),
            Some(Verdict::Skipped("slow".into()))
        );
        assert_eq!(
            verdict("test src/lib.rs - x (line 3) - compile fail ... ok"),
            Some(Verdict::Passed)
        );
        assert_eq!(verdict("test result: ok. 1 passed; 0 failed"), None);
    }
}
