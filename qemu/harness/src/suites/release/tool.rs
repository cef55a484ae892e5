//! The packages of `kpmem-crash`: that they can be made, and hold what a machine without a checkout
//! needs. What was packaged is not built here, which takes minutes.

use super::metadata;
use crate::{
    publish::{self, ARCHIVE, Files, PACKAGES, Packed, TOOL},
    report::{Case, Suite},
    workspace,
};
use anyhow::{Context, Result, bail};
use cargo_metadata::Package;
use std::{fs, path::Path};

/// Compressed, of any of them; the registry takes five times that.
const MOST_BYTES: u64 = 2 << 20;
/// What each has beside its sources.
const OF_EACH: [&str; 5] = [
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];
/// What the tool has, too.
const OF_THE_TOOL: [&str; 5] = [ARCHIVE, "LICENSE-GPL", "README.md", "build.rs", "pack.rs"];

/// Packages all of them, and looks at what came of it.
pub(super) fn run() -> Result<Suite> {
    let mut suite = Suite::new("kpmem-crash's packages", None, None);
    let sources = publish::unpacked(&publish::write_archive()?)?;
    publish::package()?;
    let packages = packages()?;
    for package in &packages {
        let (kib, result) = look(package, &sources)?;
        let name = format!("{} holds what it must, in {kib} KiB", package.name);
        suite.add(Case::from_result(name, result));
    }
    let wanted = wanted()?;
    let root = workspace::root();
    suite.add(Case::from_result(
        format!("its {} sources are those of the checkout", sources.len()),
        told(stale(&sources, &wanted, root)),
    ));
    controls(&mut suite, &packages, &sources, &wanted)?;
    Ok(suite)
}

fn controls(
    suite: &mut Suite,
    packages: &[Package],
    sources: &Files,
    wanted: &[String],
) -> Result<()> {
    let root = workspace::root();
    let mut changed = sources.clone();
    let first = wanted.first().context("the workspace has no package")?;
    changed.entry(first.clone()).or_default().push(b'#');
    let mut without = sources.clone();
    without.remove(first);
    suite.add(Case::check(
        "negative control: a source that has changed, or is not there, is told",
        [&changed, &without].map(|it| stale(it, wanted, root).len()) == [1, 1],
        "it was not",
    ));
    let tool = packages.last().context("there is no package")?;
    suite.add(Case::check(
        "negative control: a package with older sources is told",
        look(tool, &changed)?
            .1
            .is_err_and(|said| said.contains("other sources")),
        "it was not",
    ));
    let mut files = packed(tool).files()?;
    files.remove("LICENSE-MIT");
    files.insert("src/main.rs.orig".to_owned(), Vec::new());
    files.insert("target/debug".to_owned(), Vec::new());
    let said = faults(tool, &files);
    suite.add(Case::check(
        "negative control: a package with too little and too much is told",
        said.iter().any(|it| it.contains("LICENSE-MIT"))
            && said.iter().any(|it| it.contains("target/debug")),
        said.join("\n"),
    ));
    Ok(())
}

/// The packages of the tool, the tool last.
pub fn packages() -> Result<Vec<Package>> {
    let mut all = metadata::all()?;
    let each = PACKAGES.iter().map(|name| {
        let at = all.iter().position(|package| package.name == *name);
        at.map(|at| all.swap_remove(at))
            .with_context(|| format!("the workspace has no {name}"))
    });
    each.collect()
}

/// A package's size in KiB, and whether it is what it must be: if it is the tool, with these
/// sources.
pub fn look(package: &Package, sources: &Files) -> Result<(u64, Result<(), String>)> {
    let packed = packed(package);
    let (size, files) = (packed.size()?, packed.files()?);
    let mut faults = faults(package, &files);
    if size > MOST_BYTES {
        faults.push(format!("{size} bytes are over {MOST_BYTES}"));
    }
    if let Some(archive) = files.get(ARCHIVE)
        && publish::unpacked(archive)? != *sources
    {
        faults.push(format!("{ARCHIVE} has other sources than the checkout"));
    }
    Ok((size >> 10, told(faults)))
}

fn packed(package: &Package) -> Packed {
    Packed::of(&package.name, &package.version.to_string())
}

/// What is wrong with what is in a package, and with what it says of itself.
fn faults(package: &Package, files: &Files) -> Vec<String> {
    let name = &package.name;
    let is_tool = *name == TOOL;
    let mut faults = Vec::new();
    let root = if is_tool { "src/main.rs" } else { "src/lib.rs" };
    let own: &[&str] = if is_tool { &OF_THE_TOOL } else { &[] };
    for wanted in OF_EACH.iter().chain(own).chain([&root]) {
        if !files.contains_key(*wanted) {
            faults.push(format!("{name} lacks {wanted}"));
        }
    }
    for file in files.keys() {
        let known = OF_EACH.iter().chain(own).any(|it| it == file)
            || file == ".cargo_vcs_info.json"
            || ["src/", "templates/"].iter().any(|it| file.starts_with(it));
        // `cargo xtask` is for a checkout alone.
        if !known || (!is_tool && file == "src/main.rs") {
            faults.push(format!("{name} has {file} in it"));
        }
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let text = fs::read(workspace::root().join(licence)).ok();
        if files.get(licence) != text.as_ref() {
            faults.push(format!("{name} has another {licence}"));
        }
    }
    let said = package.description.as_deref().unwrap_or_default();
    if said.is_empty() || package.repository.is_none() {
        faults.push(format!("{name} does not say what it is, or where"));
    }
    if !is_tool && !said.ends_with("(internal to kpmem-crash)") {
        faults.push(format!("{name} does not say that it is internal"));
    }
    faults
}

/// What the unpacked workspace must have for cargo to read it at all: each package's manifest, and
/// the files that its targets begin with.
fn wanted() -> Result<Vec<String>> {
    let root = workspace::root();
    let mut wanted = Vec::new();
    for package in metadata::all()? {
        let targets = package.targets.iter().map(|target| &target.src_path);
        for path in targets.chain([&package.manifest_path]) {
            wanted.push(path.strip_prefix(root)?.to_string());
        }
    }
    if wanted.is_empty() {
        bail!("the workspace has no package");
    }
    Ok(wanted)
}

/// In what the sources are not those of the checkout in this folder.
fn stale(sources: &Files, wanted: &[String], root: &Path) -> Vec<String> {
    let differs = |name: &&String| fs::read(root.join(name)).ok().as_ref() != sources.get(*name);
    let lacks = |name: &&String| !sources.contains_key(*name);
    let differing = sources.keys().filter(differs);
    let differing = differing.map(|name| format!("{name} is another"));
    let lacking = wanted.iter().filter(lacks);
    let lacking = lacking.map(|name| format!("{name} is not there"));
    differing.chain(lacking).collect()
}

fn told(faults: Vec<String>) -> Result<(), String> {
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("\n")),
    }
}
