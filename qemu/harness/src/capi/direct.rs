//! The C functions whose instruction is settled at compile time, linked by themselves: what they
//! reach can be looked at as in any program.

use super::archive;
use crate::{arch::Arch, artefact::program::Program, process};
use anyhow::{Context, Result};
use std::{path::Path, process::Command};

/// What the names of those functions begin with, on x86_64.
pub const SETTLED: [&str; 4] = [
    "kpmem_byte_",
    "kpmem_clflush_",
    "kpmem_clflushopt_",
    "kpmem_clwb_",
];

/// A program of the functions whose names begin so, and of what they need. Where that is a thunk
/// for indirect calls there is no such program: only that for returns is known here.
pub fn program(library: &Path, prefixes: &[&str]) -> Result<Program> {
    let folder = tempfile::tempdir().context("cannot make a directory for a program")?;
    let file = folder.path().join("program");
    let mut link = Command::new(format!("{}-linux-gnu-ld", Arch::X86_64));
    link.args(["--gc-sections", "--entry=0", "-Ttext=0x100000"]);
    link.arg("--defsym=__x86_return_thunk=0x1000")
        .arg("-o")
        .arg(&file);
    for name in archive::exported(library)? {
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            link.arg(format!("--undefined={name}"));
        }
    }
    process::stdout_of(link.arg(library))?;
    Program::read(Arch::X86_64, &file)
}
