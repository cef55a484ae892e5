//! Suites and their cases, as lines for a person and as JSON for a program.

use crate::{arch::Arch, workspace};
use anyhow::{Context, Result};
use serde::Serialize;
use std::fs;

/// How one case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Not as it should be, and why.
    Failed(String),
    /// Not run, and why.
    Skipped(String),
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What was tried.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
}

impl Case {
    /// A case that passed or failed.
    pub fn from_result(name: impl Into<String>, result: Result<(), String>) -> Self {
        let verdict = result.map_or_else(Verdict::Failed, |()| Verdict::Passed);
        Self {
            name: name.into(),
            verdict,
        }
    }

    /// A case that passed if `condition` holds.
    pub fn check(name: impl Into<String>, condition: bool, why: impl Into<String>) -> Self {
        Self::from_result(name, if condition { Ok(()) } else { Err(why.into()) })
    }
}

/// A group of cases that ran in one place. Each case is printed as it is added.
#[derive(Clone, Debug, Serialize)]
pub struct Suite {
    /// What was tested.
    pub name: String,
    /// On which instruction set; `host` for the host's own.
    pub arch: String,
    /// On which CPU model, where it matters.
    pub cpu: Option<String>,
    /// Cases that passed.
    pub passed: u64,
    /// Cases that failed.
    pub failed: u64,
    /// Cases that were not run.
    pub skipped: u64,
}

impl Suite {
    /// An empty suite.
    pub fn new(name: &str, arch: Option<Arch>, cpu: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            arch: arch.map_or("host", Arch::name).to_owned(),
            cpu: cpu.map(str::to_owned),
            passed: 0,
            failed: 0,
            skipped: 0,
        }
    }

    /// Counts a case and prints its line.
    pub fn add(&mut self, case: Case) {
        let name = case.name;
        match case.verdict {
            Verdict::Passed => {
                self.passed += 1;
                self.note(format!("{name} ... ok"));
            }
            Verdict::Failed(why) => {
                self.failed += 1;
                self.note(format!("{name} ... FAILED: {why}"));
            }
            Verdict::Skipped(why) => {
                self.skipped += 1;
                self.note(format!("{name} ... skipped: {why}"));
            }
        }
    }

    /// Prints a line that belongs to this suite.
    pub fn note(&self, text: impl AsRef<str>) {
        println!("{self}: {}", text.as_ref());
    }
}

impl std::fmt::Display for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.arch, self.name)?;
        self.cpu
            .as_ref()
            .map_or(Ok(()), |cpu| write!(f, " [{cpu}]"))
    }
}

/// All that was run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    suites: Vec<Suite>,
}

impl Report {
    /// Adds a finished suite.
    pub fn push(&mut self, suite: Suite) {
        self.suites.push(suite);
    }

    /// Counts of the cases that passed, failed and were skipped.
    pub fn totals(&self) -> (u64, u64, u64) {
        self.suites
            .iter()
            .fold((0, 0, 0), |(passed, failed, skipped), suite| {
                (
                    passed + suite.passed,
                    failed + suite.failed,
                    skipped + suite.skipped,
                )
            })
    }

    /// `N passed, N failed`, with the skipped ones where there are any.
    pub fn closing_line(&self) -> String {
        match self.totals() {
            (passed, failed, 0) => format!("{passed} passed, {failed} failed"),
            (passed, failed, skipped) => {
                format!("{passed} passed, {failed} failed, {skipped} skipped")
            }
        }
    }
}

/// Writes a report as `target/xtask/NAME.json`.
pub fn write_json(name: &str, report: &impl Serialize) -> Result<()> {
    let dir = workspace::reports();
    fs::create_dir_all(&dir)?;
    let path = dir.join(format!("{name}.json"));
    fs::write(&path, serde_json::to_string_pretty(report)? + "\n")
        .with_context(|| format!("cannot write {}", path.display()))
}
