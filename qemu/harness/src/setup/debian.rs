//! apt and dpkg with a folder of ours: nothing is installed, apt's own lists are left alone, and
//! packages of other releases and instruction sets are as good as the machine's own.

use super::sources;
use crate::{arch::Arch, process};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// apt with sources, lists and caches in a folder of ours.
pub(super) struct Apt {
    dir: PathBuf,
    architecture: &'static str,
}

impl Apt {
    /// Fetches the lists of these releases, for this instruction set.
    pub(super) fn new<'a>(
        dir: &Path,
        arch: Arch,
        suites: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        if ["apt-get", "dpkg-deb"].map(process::find).contains(&None) {
            bail!("no apt and dpkg");
        }
        for folder in ["sources", "lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        let suites: BTreeSet<_> = suites.into_iter().collect();
        for suite in &suites {
            let (extension, text) = sources::like_the_mirror(suite)?;
            fs::write(dir.join(format!("sources/{suite}.{extension}")), text)?;
        }
        let apt = Self {
            dir: dir.to_owned(),
            architecture: arch.debian(),
        };
        apt.run("apt-get", &["-qq", "update"])?;
        // A release without packages for the instruction set is only a warning.
        let known = apt.run("apt-cache", &["pkgnames", "libc6"])?;
        if known.is_empty() {
            let suites: Vec<_> = suites.into_iter().collect();
            bail!(
                "the mirror has no packages of {} for {}",
                suites.join(", "),
                apt.architecture
            );
        }
        Ok(apt)
    }

    /// Runs one of apt's programs, and returns what it prints. What it complains of is the error.
    pub(super) fn run(&self, program: &str, words: &[&str]) -> Result<String> {
        let output = process::output_of(self.command(program).args(words))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let errors: Vec<_> = said
            .lines()
            .filter_map(|line| line.strip_prefix("E: "))
            .collect();
        bail!("{program}: {}", errors.join("; "))
    }

    /// Where it puts what it downloads to be installed.
    pub(super) fn archives(&self) -> PathBuf {
        self.dir.join("cache/archives")
    }

    /// What a package depends on.
    pub(super) fn depends(&self, name: &str, suite: &str) -> Result<Vec<String>> {
        let release = format!("APT::Default-Release={suite}");
        let text = self.run("apt-cache", &["-o", &release, "depends", name])?;
        let depends = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(depends.map(str::to_owned).collect())
    }

    fn command(&self, program: &str) -> Command {
        let at = |path| self.dir.join(path).display().to_string();
        let options = [
            ("Dir::Etc::sourcelist", "/dev/null".to_owned()),
            ("Dir::Etc::sourceparts", at("sources")),
            ("Dir::State::lists", at("lists")),
            // What is installed here has no say in what is downloaded.
            ("Dir::State::status", "/dev/null".to_owned()),
            ("Dir::State::extended_states", "/dev/null".to_owned()),
            ("Dir::Cache", at("cache")),
            // Nothing is installed, so dpkg's lock is left to others.
            ("Debug::NoLocking", "true".to_owned()),
            ("APT::Architecture", self.architecture.to_owned()),
            ("APT::Architectures", self.architecture.to_owned()),
            // As root, apt downloads as another user, who has no right to this folder.
            ("APT::Sandbox::User", "root".to_owned()),
            ("Acquire::Languages", "none".to_owned()),
            // Where there is no network, to do without is soon decided.
            ("Acquire::http::Timeout", "20".to_owned()),
            ("Acquire::Retries", "1".to_owned()),
            (
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                "false".to_owned(),
            ),
        ];
        let mut command = Command::new(program);
        command.env("LC_ALL", "C");
        // Words of the caller's may change the folder, so apt is told by absolute paths alone.
        command.current_dir(&self.dir);
        for (key, value) in options {
            command.arg("-o").arg(format!("{key}={value}"));
        }
        command
    }
}

/// Unpacks a package's file.
pub(super) fn unpack(deb: &Path, root: &Path) -> Result<()> {
    let output = process::output_of(Command::new("dpkg-deb").arg("-x").arg(deb).arg(root))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cannot unpack {}: {}", deb.display(), said.trim());
    }
    Ok(())
}

/// Fills a folder that has no name before it is whole: an error, or an end halfway, leaves nothing
/// that looks like it.
pub(super) fn filled(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = folder.parent().context("a folder has a parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let scratch = tempfile::tempdir_in(parent)
        .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    let new = scratch.path().join("new");
    fs::create_dir(&new)?;
    fill(&new)?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    match fs::rename(&new, folder) {
        // Another process was quicker.
        Err(_) if folder.exists() => Ok(()),
        renamed => renamed.with_context(|| format!("cannot make {}", folder.display())),
    }
}
