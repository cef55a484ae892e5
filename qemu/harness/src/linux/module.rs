//! The module of `examples/linux-module`, built for a kernel, and what objtool says of it.

use super::kernel::Kernel;
use crate::{capi::kernel::Variant, process, workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How the module is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// As it is.
    Right,
    /// It acknowledges records before it stores them.
    Early,
    /// As it is, with what it says to the crash simulator.
    Crash,
    /// The same, and it flushes nothing.
    Unflushed,
}

impl Build {
    /// Its file's name, without `.ko`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "kpmem_log",
            Self::Early => "early",
            Self::Crash => "crash",
            Self::Unflushed => "unflushed",
        }
    }

    /// What takes the place of `store.c`.
    fn store(self) -> Option<&'static str> {
        match self {
            Self::Right | Self::Crash => None,
            Self::Early => Some(include_str!("guest/early.c")),
            Self::Unflushed => Some(include_str!("guest/unflushed.c")),
        }
    }

    /// Words for make.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Right | Self::Early => &[],
            Self::Crash | Self::Unflushed => &["CRASH=y"],
        }
    }
}

/// A module that was built.
#[derive(Clone, Debug)]
pub struct Module {
    /// The file.
    pub file: PathBuf,
    /// What objtool warned of.
    pub warnings: Vec<String>,
}

/// The folder that a kernel developer copies.
pub fn example() -> PathBuf {
    workspace::root().join("examples/linux-module")
}

/// Builds it for x86_64, as its README says. `prefix` is the folder that `cargo xtask capi` fills.
pub fn build(kernel: &Kernel, variant: Variant, build: Build, prefix: &Path) -> Result<Module> {
    let words = [format!("VARIANT={}", variant.name())];
    make(kernel, variant.name(), build, prefix, &words)
}

/// Builds it with these words for make, in a folder that has this name.
pub(super) fn make(
    kernel: &Kernel,
    name: &str,
    build: Build,
    prefix: &Path,
    words: &[String],
) -> Result<Module> {
    let folder = workspace::reports()
        .join("linux-module")
        .join(kernel.release())
        .join(name)
        .join(build.name());
    copy(&folder, build)?;
    let mut make = Command::new("make");
    make.arg("-C").arg(&folder);
    make.arg(format!("KDIR={}", kernel.headers().display()));
    make.arg(format!("KPMEM={}", prefix.display()));
    make.args(words).args(build.words());
    // Types for BPF are made by pahole, which need not be there.
    make.arg("CONFIG_DEBUG_INFO_BTF_MODULES=");
    // Warnings are read below.
    make.env("LC_ALL", "C");
    let output = process::output_of(&mut make)?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if !output.status.success() {
        bail!(
            "cannot build the module for Linux {}:\n{said}",
            kernel.release()
        );
    }
    let warnings = said.lines().filter(|line| line.contains("objtool: "));
    Ok(Module {
        file: folder.join("kpmem_log.ko"),
        warnings: warnings.map(str::to_owned).collect(),
    })
}

/// A fresh copy, so that everything is compiled, and all warnings are heard.
fn copy(folder: &Path, build: Build) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let example = example();
    for entry in fs::read_dir(&example).with_context(|| format!("no {}", example.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if is_source(&name.to_string_lossy()) {
            fs::copy(&path, folder.join(name))?;
        }
    }
    if let Some(store) = build.store() {
        fs::write(folder.join("store.c"), store)?;
    }
    Ok(())
}

/// Not what a build in the example's own folder has left there.
fn is_source(name: &str) -> bool {
    let made = name.ends_with(".mod.c");
    ["Kbuild", "Makefile"].contains(&name)
        || !made && (name.ends_with(".c") || name.ends_with(".h"))
}
