//! `kpmem-mark`: marks from outside of a program that cannot be changed.

use crate::{arch::Arch, process, workspace};
use anyhow::{Context, Result};
use std::{fs, path::PathBuf, process::Command};

/// Compiles it for guests of an instruction set.
pub fn build(arch: Arch) -> Result<PathBuf> {
    let folder = workspace::reports().join("linux-crash").join(arch.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let to = folder.join("kpmem-mark");
    let sources = workspace::root().join("qemu");
    let mut clang = Command::new("clang");
    clang.arg(format!("--target={}", arch.triplet()));
    clang.arg(format!("--ld-path={}-ld", arch.triplet()));
    clang.args(["-O1", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-static"]);
    clang.args(["-ffreestanding", "-fno-stack-protector", "-fno-pie"]);
    clang.arg("-I").arg(sources.join("marks/include"));
    clang.arg(sources.join("harness/src/linux/guest/kpmem-mark.c"));
    process::run(clang.arg("-o").arg(&to))
        .with_context(|| format!("cannot compile kpmem-mark for {arch}"))?;
    Ok(to)
}
