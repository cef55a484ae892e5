//! What `cargo package` makes of the published packages, and what the registry will show of them.

use super::readme;
use crate::{
    arch::Arch,
    process,
    report::{Case, Suite},
    toolchain::Toolchain,
    workspace,
};
use anyhow::{Context, Result};
use cargo_metadata::Package;
use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

/// The registry's names for what the packages are; it leaves out others without an error.
const CATEGORIES: [&str; 8] = [
    "development-tools::testing",
    "embedded",
    "hardware-support",
    "no-std",
    "no-std::no-alloc",
    "os",
    "os::linux-apis",
    "virtualization",
];
/// Packages whose pages differ by instruction set.
const BY_SET: [&str; 3] = ["kpmem", "kpmem-marks", "kpmem-runtime"];
/// Files that a package may have beside its folders, cargo's own first.
const FILES: [&str; 9] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "build.rs",
];
const FOLDERS: [&str; 6] = ["arch/", "examples/", "include/", "link/", "src/", "tests/"];
/// Compressed, of any package: the library is code and its documentation.
const MOST_BYTES: u64 = 200 << 10;

/// Packages all of them, as a release would, and looks at what came of it.
pub(super) fn run(published: &[Package]) -> Result<Suite> {
    let mut suite = Suite::new("package", None, None);
    let names: Vec<_> = published.iter().map(|it| it.name.as_str()).collect();
    let mut command = cargo_package()?;
    command.args(names.iter().flat_map(|name| ["--package", name]));
    let result = quiet(&mut command)?;
    suite.add(Case::from_result(
        format!(
            "{} are packaged and verified without a warning",
            names.join(", ")
        ),
        result,
    ));
    for package in published {
        let name = &package.name;
        let (kib, result) = contents(package)?;
        suite.add(Case::from_result(
            format!("{name} holds the library and its licences, in {kib} KiB"),
            result,
        ));
        let cases = [
            ("says what it is", manifest(package)),
            (
                "has links that hold on the registry's page",
                readme::links(package)?,
            ),
            ("has its version in its changelog", changelog(package)?),
        ];
        for (what, result) in cases {
            suite.add(Case::from_result(format!("{name} {what}"), result));
        }
    }
    suite.add(Case::from_result(
        "each file of tests/ is a test",
        listed_tests()?,
    ));
    suite.add(Case::check(
        "negative control: a package that does not say what it is is told",
        poor()?.is_err_and(|said| said.contains("manifest has no")),
        "it was not",
    ));
    Ok(suite)
}

fn cargo_package() -> Result<Command> {
    let mut command = Toolchain::active()?.cargo("package");
    // Whether all is committed is for who publishes it.
    command.args(["--allow-dirty", "--color", "never"]);
    Ok(command)
}

/// That it succeeds, and warns of nothing.
fn quiet(command: &mut Command) -> Result<Result<(), String>> {
    let output = process::output_of(command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let warned = said.lines().any(|line| line.starts_with("warning"));
    Ok(match output.status.success() && !warned {
        true => Ok(()),
        false => Err(said.into_owned()),
    })
}

/// The size of what was packaged in KiB, and whether everything in it belongs there.
fn contents(package: &Package) -> Result<(u64, Result<(), String>)> {
    let file = format!("{}-{}.crate", package.name, package.version);
    let path = workspace::target().join("package").join(file);
    let metadata = fs::metadata(&path).with_context(|| format!("no {}", path.display()))?;
    let mut command = cargo_package()?;
    command.args(["--list", "--package", &package.name]);
    let list = process::stdout_of(&mut command)?;
    let mut faults: Vec<_> = list
        .lines()
        .filter(|file| !FILES.contains(file) && !FOLDERS.iter().any(|it| file.starts_with(it)))
        .map(|file| format!("{file} is in it"))
        .collect();
    let wanted = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];
    let missing = wanted
        .iter()
        .filter(|file| !list.lines().any(|it| it == **file));
    faults.extend(missing.map(|file| format!("{file} is not in it")));
    if metadata.len() > MOST_BYTES {
        faults.push(format!("{} bytes are over {MOST_BYTES}", metadata.len()));
    }
    Ok((metadata.len() >> 10, told(&faults)))
}

/// Whether the manifest says what the registry and docs.rs show.
fn manifest(package: &Package) -> Result<(), String> {
    let mut faults = Vec::new();
    let mut fault = |wrong: bool, what: &str| {
        if wrong {
            faults.push(what.to_owned());
        }
    };
    fault(package.repository.is_none(), "it has no repository");
    fault(package.documentation.is_none(), "it has no documentation");
    fault(package.rust_version.is_none(), "it has no rust-version");
    fault(package.categories.len() > 5, "it has over 5 categories");
    fault(package.keywords.len() > 5, "it has over 5 keywords");
    let known = |category: &String| CATEGORIES.contains(&category.as_str());
    fault(
        !package.categories.iter().all(known),
        "a category is unknown",
    );
    fault(
        !package.keywords.iter().all(|it| is_keyword(it)),
        "a keyword is none",
    );
    let shown = &package.metadata["docs"]["rs"];
    let targets = shown["targets"].as_array().into_iter().flatten();
    let targets: BTreeSet<_> = targets
        .chain([&shown["default-target"]])
        .filter_map(|target| target.as_str())
        .collect();
    fault(
        BY_SET.contains(&package.name.as_str())
            && targets != BTreeSet::from(Arch::ALL.map(Arch::target)),
        "docs.rs would not show all instruction sets",
    );
    let all = shown["all-features"] == true || package.features.is_empty();
    fault(!all, "docs.rs would not show all features");
    told(&faults)
}

/// What the registry takes for one.
fn is_keyword(word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_-+".contains(c);
    word.len() <= 20
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(inside)
}

/// Whether there is a section for the version, in the package's changelog or in the one of all.
fn changelog(package: &Package) -> Result<Result<(), String>> {
    let path = workspace::root().join("CHANGELOG.md");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let heading = format!("## {}", package.version);
    let found = text
        .lines()
        .any(|line| line == heading || line.starts_with(&format!("{heading} ")));
    Ok(found
        .then_some(())
        .ok_or(format!("{} has no {heading:?}", path.display())))
}

/// Whether cargo runs each file of `tests/` that is a test, since they are listed by hand.
fn listed_tests() -> Result<Result<(), String>> {
    let manifest = workspace::root().join("tests/Cargo.toml");
    let metadata = super::metadata::of(&manifest, &["--no-deps"])?;
    let run: BTreeSet<PathBuf> = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets)
        .map(|target| target.src_path.clone().into())
        .collect();
    let mut faults = Vec::new();
    for entry in fs::read_dir(manifest.with_file_name(""))? {
        let path = entry?.path();
        let main = path.join("main.rs");
        let test = if main.is_file() { main } else { path };
        if test.extension().is_some_and(|it| it == "rs") && !run.contains(&test) {
            faults.push(format!("{} is in no [[test]]", test.display()));
        }
    }
    Ok(told(&faults))
}

/// What is said of a package with nothing but a name.
fn poor() -> Result<Result<(), String>> {
    let dir = tempfile::tempdir()?;
    let manifest = dir.path().join("Cargo.toml");
    let text =
        "[package]\nname = \"kpmem-poor\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(&manifest, text)?;
    fs::create_dir(dir.path().join("src"))?;
    fs::write(dir.path().join("src/lib.rs"), "")?;
    let mut command = cargo_package()?;
    command
        .args(["--no-verify", "--target-dir"])
        .arg(dir.path().join("target"));
    quiet(command.arg("--manifest-path").arg(&manifest))
}

fn told(faults: &[String]) -> Result<(), String> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords() {
        for word in ["no_std", "persistent-memory", "c++", "9p"] {
            assert!(is_keyword(word), "{word}");
        }
        for word in ["", "_x", "two words", "persistent-memory-for-kernels", "é"] {
            assert!(!is_keyword(word), "{word}");
        }
    }
}
