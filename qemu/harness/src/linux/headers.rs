//! Headers that were unpacked elsewhere than where their package puts them.

use anyhow::{Context, Result};
use std::{fs, io::ErrorKind, os::unix::fs::symlink, path::Path};

/// Where the package puts them.
const PLACE: &str = "/usr/src/";

/// Lets the headers in `root` find each other: those of one configuration include the Makefile of
/// all by an absolute path.
pub fn settle(root: &Path) -> Result<()> {
    let folder = root.join("usr/src");
    let entries = fs::read_dir(&folder).context("the package of headers is not there")?;
    for entry in entries {
        let makefile = entry?.path().join("Makefile");
        let text = fs::read_to_string(&makefile).unwrap_or_default();
        let absolute = format!("include {PLACE}");
        if text.starts_with(&absolute) {
            let ours = format!("include {}/", folder.display());
            fs::write(&makefile, text.replacen(&absolute, &ours, 1))
                .with_context(|| format!("cannot change {}", makefile.display()))?;
        }
    }
    Ok(())
}

/// Has the headers use these programs of kbuild, in the place of a package that is not there.
pub fn with_programs(headers: &Path, programs: &Path) -> Result<()> {
    let why = || format!("{} has no programs", headers.display());
    let link = fs::read_link(headers.join("scripts")).with_context(why)?;
    let place = headers.join(link);
    let place = place.parent().with_context(why)?;
    match fs::read_link(place) {
        Ok(now) if now == programs => return Ok(()),
        // Those that were unpacked before.
        Ok(_) => fs::remove_file(place).with_context(why)?,
        Err(_) => {}
    }
    match symlink(programs, place) {
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.with_context(|| format!("cannot make {}", place.display())),
    }
}
