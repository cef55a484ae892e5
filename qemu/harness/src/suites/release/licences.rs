//! What the workspace depends on: where it comes from, on which terms, and how little of it the
//! published packages need.
//!
//! The rules are in `deny.toml`, as cargo-deny reads them. cargo-deny itself is not installed for
//! it: it is some 350 packages to compile, where this workspace needs 130. Where it is there, it is
//! asked as well, and for known vulnerabilities, whose list is in no registry.

use super::metadata;
use crate::{
    process,
    report::{Case, Suite, Verdict},
    toolchain::Toolchain,
    workspace,
};
use anyhow::{Context, Result};
use cargo_metadata::Package;
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};
use std::{collections::BTreeSet, fs, time::Duration};

/// Each has its own lock file.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "qemu/fuzz/Cargo.toml"];
/// Packages for kernels, whose users look at each that they bring.
const KERNELS: [&str; 2] = ["kpmem", "kpmem-marks"];
/// All that these make their users compile, on any target, with all features.
const NEEDED: [&str; 16] = [
    "bitflags",
    "bytemuck",
    "dtoolkit",
    "kpmem",
    "kpmem-marks",
    "raw-cpuid",
    "spin",
    "volatile",
    "zerocopy",
    // What dtoolkit needs, on the host alone but for the first.
    "thiserror",
    "thiserror-impl",
    "zerocopy-derive",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];
const LIMIT: Duration = Duration::from_secs(120);

/// What is read of `deny.toml`.
#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licenses,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

/// Further licences of one package.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

impl Rules {
    fn read() -> Result<Self> {
        let path = workspace::root().join("deny.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    /// What is wrong with a package that comes from elsewhere.
    fn fault(&self, package: &Package) -> Option<String> {
        let source = package.source.as_ref()?;
        let registry = source.repr.strip_prefix("registry+").unwrap_or_default();
        if !self.sources.allow_registry.iter().any(|it| it == registry) {
            return Some(format!("comes from {source}"));
        }
        let Some(licence) = &package.license else {
            return Some("names no licence".to_owned());
        };
        match self.allows(&package.name, licence) {
            Ok(true) => None,
            Ok(false) => Some(format!("is licensed by {licence} alone")),
            Err(error) => Some(format!("has a licence that cannot be read: {error:#}")),
        }
    }

    /// Whether one of the ways in which a package's licence can be chosen is allowed.
    fn allows(&self, package: &str, licence: &str) -> Result<bool> {
        let of_it = |exception: &&Exception| exception.name == package;
        let exceptions = self.licenses.exceptions.iter().filter(of_it);
        let exceptions = exceptions.flat_map(|exception| &exception.allow);
        let allowed: Vec<_> = self
            .licenses
            .allow
            .iter()
            .chain(exceptions)
            .map(|it| Licensee::parse(it))
            .collect::<Result<_, _>>()?;
        let licence = Expression::parse_mode(licence, ParseMode::LAX)?;
        Ok(licence.evaluate(|one| allowed.iter().any(|allowed| allowed.satisfies(one))))
    }
}

/// Looks at every package of the lock files, whatever the target.
pub(super) fn run() -> Result<Suite> {
    let mut suite = Suite::new("dependencies", None, None);
    let rules = Rules::read()?;
    let mut sample = None;
    for manifest in WORKSPACES {
        let metadata = metadata::of(&workspace::root().join(manifest), &[])?;
        let foreign: Vec<_> = metadata
            .packages
            .iter()
            .filter(|it| it.source.is_some())
            .collect();
        let faults = faults(&rules, &foreign);
        suite.add(Case::check(
            format!(
                "{} packages of {manifest} are licensed, and from the registry",
                foreign.len()
            ),
            !foreign.is_empty() && faults.is_empty(),
            faults.join("\n"),
        ));
        sample = sample.or_else(|| foreign.first().map(|&package| package.clone()));
        if manifest == WORKSPACES[0] {
            suite.add(Case::from_result(
                "packages for kernels need what they are known to need",
                need()?,
            ));
        }
    }
    let sample = sample.context("there are no dependencies")?;
    suite.add(Case::check(
        "negative control: another licence, none, and another source are told",
        spoiled(sample)
            .iter()
            .all(|package| rules.fault(package).is_some()),
        "one was not",
    ));
    suite.add(Case {
        name: "cargo deny".to_owned(),
        verdict: cargo_deny()?,
    });
    Ok(suite)
}

fn faults(rules: &Rules, packages: &[&Package]) -> Vec<String> {
    let fault = |package: &&Package| {
        let fault = rules.fault(package)?;
        Some(format!("{} {} {fault}", package.name, package.version))
    };
    packages.iter().filter_map(fault).collect()
}

/// A package with one thing wrong at a time.
fn spoiled(package: Package) -> [Package; 3] {
    let mut all = [package.clone(), package.clone(), package];
    all[0].license = Some("GPL-3.0-only".to_owned());
    all[1].license = None;
    if let Some(source) = &mut all[2].source {
        source.repr = "git+https://example.org/elsewhere".to_owned();
    }
    all
}

/// Whether what a user of the packages for kernels compiles, with all features and for any target,
/// is what [`NEEDED`] says. Asked of these packages alone: another of the workspace may want more
/// of a dependency.
fn need() -> Result<Result<(), String>> {
    let mut command = Toolchain::active()?.cargo("tree");
    command.args(["--edges", "normal,build", "--target", "all"]);
    command.args(["--all-features", "--prefix", "none", "--format", "{p}"]);
    command.args(KERNELS.iter().flat_map(|name| ["--package", name]));
    let text = process::stdout_of(&mut command)?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let found: BTreeSet<_> = names.filter(|name| !name.is_empty()).collect();
    let known = BTreeSet::from(NEEDED);
    Ok(match found == known {
        true => Ok(()),
        false => Err(format!("{found:?}, not {known:?}")),
    })
}

/// What cargo-deny says, where it is installed.
fn cargo_deny() -> Result<Verdict> {
    if process::find("cargo-deny").is_none() {
        return Ok(Verdict::Skipped(
            "it is not installed, so nothing is said of known vulnerabilities: \
             `cargo install --locked cargo-deny`"
                .to_owned(),
        ));
    }
    let mut command = Toolchain::active()?.cargo("deny");
    let output = process::output_within(command.args(["--log-level", "error", "check"]), LIMIT)?;
    Ok(match output.status.success() {
        true => Verdict::Passed,
        false => Verdict::Failed(String::from_utf8_lossy(&output.stderr).into_owned()),
    })
}
