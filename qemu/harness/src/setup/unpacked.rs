//! Debian's packages downloaded and unpacked in a folder of ours: nothing is installed, and apt's
//! own lists are left alone, so this needs no root and takes packages of another release.

use super::debian::{self, Apt};
use crate::{arch::Arch, workspace};
use anyhow::{Context, Result};
use std::{fs, path::PathBuf};

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

/// The folder in which these packages are unpacked, under a name of its own. What was unpacked
/// before is taken as it is.
pub fn unpacked(name: &str, packages: &[Package]) -> Result<PathBuf> {
    unpacked_for(Arch::X86_64, name, packages)
}

/// The same for an instruction set, which is part of the name.
pub fn unpacked_for(arch: Arch, name: &str, packages: &[Package]) -> Result<PathBuf> {
    let dir = workspace::reports().join("packages").join(name);
    let (root, stamp) = (dir.join("root"), dir.join("packages"));
    let wanted = format!("{packages:?}\n");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(root);
    }
    eprintln!(
        "setup: downloading packages for {name}, to be unpacked in {}",
        dir.display()
    );
    debian::filled(&dir, |new| {
        let used = new.join("apt");
        let apt = Apt::new(&used, arch, packages.iter().map(|package| package.suite))?;
        for package in packages {
            for name in names(&apt, package)? {
                apt.run("apt-get", &["-qq", "download", &name])?;
            }
        }
        for entry in fs::read_dir(&used)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "deb") {
                debian::unpack(&path, &new.join("root"))?;
            }
        }
        fs::remove_dir_all(used)?;
        Ok(fs::write(new.join("packages"), &wanted)?)
    })?;
    Ok(root)
}

/// The packages to take for this one, as apt calls them.
fn names(apt: &Apt, package: &Package) -> Result<Vec<String>> {
    let Package { name, suite, .. } = package;
    let mut names = vec![(*name).to_owned()];
    if package.meta {
        let named = apt.depends(name, suite)?.into_iter().next();
        names = vec![named.with_context(|| format!("{name} of {suite} names no other"))?];
    }
    if !package.with.is_empty() {
        let depends = apt.depends(&names[0], suite)?.into_iter();
        names.extend(depends.filter(|name| package.with.iter().any(|it| name.starts_with(it))));
    }
    let names = names.into_iter();
    Ok(names.map(|name| format!("{name}/{suite}")).collect())
}
