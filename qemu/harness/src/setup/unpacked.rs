//! Debian's packages downloaded and unpacked in a folder of ours: nothing is installed, and apt's
//! own lists are left alone, so this needs no root and takes packages of another release.

use super::sources;
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A package of a release, by its codename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// The release that it is taken from.
    pub suite: &'static str,
    /// It only names another one, which depends on the release's state: take that.
    pub meta: bool,
    /// Of what that one depends on, those whose names begin so are taken too.
    pub with: &'static [&'static str],
}

impl Package {
    /// This very one.
    pub const fn of(suite: &'static str, name: &'static str) -> Self {
        Self {
            name,
            suite,
            meta: false,
            with: &[],
        }
    }

    /// The one that it names.
    pub const fn named_by(suite: &'static str, name: &'static str) -> Self {
        Self {
            meta: true,
            ..Self::of(suite, name)
        }
    }
}

/// The instruction set of the packages.
const ARCHITECTURE: &str = "amd64";

/// The folder in which these packages are unpacked, under a name of its own. What was unpacked
/// before is taken as it is.
pub fn unpacked(name: &str, packages: &[Package]) -> Result<PathBuf> {
    let dir = workspace::reports().join("packages").join(name);
    let (root, stamp) = (dir.join("root"), dir.join("packages"));
    let wanted = format!("{packages:?}\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(root);
    }
    if ["apt-get", "dpkg-deb"].map(process::find).contains(&None) {
        bail!("no apt and dpkg");
    }
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let apt = Apt::new(&dir.join("apt"), packages)?;
    eprintln!(
        "setup: downloading packages for {name}, to be unpacked in {}",
        dir.display()
    );
    process::run(apt.command("apt-get").args(["-qq", "update"]))?;
    let mut names = Vec::new();
    for package in packages {
        names.extend(apt.names(package)?);
    }
    let debs = dir.join("debs");
    fs::create_dir_all(&debs)?;
    let mut download = apt.command("apt-get");
    process::run(
        download
            .args(["-qq", "download"])
            .args(names)
            .current_dir(&debs),
    )?;
    for deb in fs::read_dir(&debs)? {
        process::run(
            Command::new("dpkg-deb")
                .arg("-x")
                .arg(deb?.path())
                .arg(&root),
        )?;
    }
    for used in [debs, apt.dir] {
        fs::remove_dir_all(used)?;
    }
    fs::write(stamp, wanted)?;
    Ok(root)
}

/// apt with sources, lists and caches in a folder of ours.
struct Apt {
    dir: PathBuf,
}

impl Apt {
    fn new(dir: &Path, packages: &[Package]) -> Result<Self> {
        for folder in ["sources", "lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        for package in packages {
            let (extension, text) = sources::like_the_mirror(package.suite)?;
            let file = dir.join(format!("sources/{}.{extension}", package.suite));
            fs::write(file, text)?;
        }
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    fn command(&self, program: &str) -> Command {
        let at = |path| self.dir.join(path).display().to_string();
        let options = [
            ("Dir::Etc::sourcelist", "/dev/null".to_owned()),
            ("Dir::Etc::sourceparts", at("sources")),
            ("Dir::State::lists", at("lists")),
            // What is installed here has no say in what is downloaded.
            ("Dir::State::status", "/dev/null".to_owned()),
            ("Dir::Cache", at("cache")),
            ("APT::Architecture", ARCHITECTURE.to_owned()),
            ("APT::Architectures", ARCHITECTURE.to_owned()),
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
        for (key, value) in options {
            command.arg("-o").arg(format!("{key}={value}"));
        }
        command
    }

    /// The packages to take for this one, as apt calls them.
    fn names(&self, package: &Package) -> Result<Vec<String>> {
        let Package { name, suite, .. } = package;
        let mut names = vec![(*name).to_owned()];
        if package.meta {
            let named = self.depends(name, suite)?.into_iter().next();
            names = vec![named.with_context(|| format!("{name} of {suite} names no other"))?];
        }
        if !package.with.is_empty() {
            let depends = self.depends(&names[0], suite)?.into_iter();
            names.extend(depends.filter(|name| package.with.iter().any(|it| name.starts_with(it))));
        }
        Ok(names
            .into_iter()
            .map(|name| format!("{name}/{suite}"))
            .collect())
    }

    /// What a package depends on.
    fn depends(&self, name: &str, suite: &str) -> Result<Vec<String>> {
        let mut command = self.command("apt-cache");
        command.args([
            "-o",
            &format!("APT::Default-Release={suite}"),
            "depends",
            name,
        ]);
        let text = process::stdout_of(&mut command)?;
        let depends = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(depends.map(str::to_owned).collect())
    }
}
