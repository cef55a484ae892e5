//! Files that hold nothing to judge, and what must be said of them.

use super::{Ask, question};
use crate::crash::plan::CPUS;
use anyhow::{Context, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// What is asked of them.
pub fn asks(folder: &Path) -> Result<Vec<Ask>> {
    let file = |name: &str, bytes: &[u8]| -> Result<_> {
        let path = folder.join(name);
        fs::write(&path, bytes).context("cannot write a file to judge")?;
        Ok(path)
    };
    let all = [
        (
            "a text",
            file("text", b"not an object\n")?,
            "neither an ELF object",
        ),
        (
            "an empty library",
            file("empty.a", b"!<arch>\n")?,
            "holds no object file",
        ),
        (
            "a file that is not there",
            folder.join("nowhere.o"),
            "cannot read",
        ),
        ("a program", env::current_exe()?, "is linked already"),
    ];
    let ask = |(what, path, words): (&str, PathBuf, &str)| {
        let question = question(CPUS[0], &path, &[("persist", "f")], 50);
        Ask::refused(format!("{what} is refused"), question, words)
    };
    Ok(all.map(ask).into())
}
