//! Debian's packages with all that they depend on, each unpacked in a folder of its own, once.

use super::{
    debian::{self, Apt},
    sources,
};
use crate::{arch::Arch, process, workspace};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// A package that is unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// Its name.
    pub name: String,
    /// Where its files are.
    pub root: PathBuf,
}

/// The packages of these names and what they depend on. What was unpacked before is taken as it
/// is.
pub fn closure(arch: Arch, suite: &str, names: &[String]) -> Result<Vec<Unpacked>> {
    for name in names {
        // Debian policy 5.6.1; it is a file's name here, too.
        let allowed =
            |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "+-.".contains(it);
        ensure!(
            name.len() > 1
                && name.starts_with(|it: char| it.is_ascii_alphanumeric())
                && name.chars().all(allowed),
            "{name:?} is no name of a package"
        );
    }
    let packages = workspace::reports().join("packages");
    let home = packages.join(format!("{suite}-{}", arch.debian()));
    let mut sorted = names.to_vec();
    sorted.sort();
    sorted.dedup();
    let list = home.join(format!("{}.list", sorted.join(",")));
    if let Some(known) = read(&home, &list) {
        return Ok(known);
    }
    eprintln!(
        "setup: downloading {} and what they need, to be unpacked in {}",
        sorted.join(", "),
        home.display()
    );
    fs::create_dir_all(&packages).with_context(|| format!("cannot make {}", packages.display()))?;
    let used = tempfile::tempdir_in(&packages).context("cannot make a folder for apt")?;
    let suites = sources::with_security(suite);
    let all = Apt::new(
        &used.path().join("all"),
        arch,
        suites.iter().map(String::as_str),
    );
    let apt = match all {
        Err(error) if suites.len() > 1 => {
            eprintln!("setup: {error:#}; going on without security updates");
            Apt::new(&used.path().join("one"), arch, [suite])?
        }
        all => all?,
    };
    let words = [
        "-qq",
        "-y",
        "--no-install-recommends",
        "--download-only",
        "install",
    ];
    let words = [
        &words[..],
        &sorted.iter().map(String::as_str).collect::<Vec<_>>(),
    ]
    .concat();
    apt.run("apt-get", &words)
        .map_err(|error| in_words(&error, arch, suite))?;
    let mut entries = Vec::new();
    for entry in fs::read_dir(apt.archives())? {
        let deb = entry?.path();
        if deb.extension().is_none_or(|it| it != "deb") {
            continue;
        }
        let [name, version] = fields(&deb)?;
        let folder = format!("{name}_{}", version.replace(':', "%"));
        if !home.join(&folder).is_dir() {
            debian::filled(&home.join(&folder), |new| debian::unpack(&deb, new))?;
        }
        entries.push(format!("{name} {folder}\n"));
    }
    entries.sort();
    // Half a list must not be taken for one.
    let mut whole = tempfile::NamedTempFile::new_in(&home)?;
    whole
        .write_all(entries.concat().as_bytes())
        .and_then(|()| Ok(whole.persist(&list)?))
        .with_context(|| format!("cannot write {}", list.display()))?;
    read(&home, &list).context("what was just unpacked is not there")
}

/// The packages of a list, if all are there.
fn read(home: &Path, list: &Path) -> Option<Vec<Unpacked>> {
    let text = fs::read_to_string(list).ok()?;
    let each = text.lines().map(|line| {
        let (name, folder) = line.split_once(' ')?;
        let root = home.join(folder);
        let name = name.to_owned();
        root.is_dir().then_some(Unpacked { name, root })
    });
    each.collect()
}

/// Name and version.
fn fields(deb: &Path) -> Result<[String; 2]> {
    let mut command = Command::new("dpkg-deb");
    command.args(["-W", "--showformat=${Package} ${Version}"]);
    let text = process::stdout_of(command.arg(deb))?;
    let Some((name, version)) = text.split_once(' ') else {
        bail!("{} has no name and version", deb.display());
    };
    Ok([name.to_owned(), version.to_owned()])
}

/// apt's error, as what it means for a user.
fn in_words(error: &anyhow::Error, arch: Arch, suite: &str) -> anyhow::Error {
    let text = error.to_string();
    let unknown = ["Unable to locate package ", "no installation candidate"];
    if unknown.iter().any(|words| text.contains(words)) {
        return anyhow!("{suite} has no such package for {}: {text}", arch.debian());
    }
    anyhow!("packages of {suite} for {}: {text}", arch.debian())
}
