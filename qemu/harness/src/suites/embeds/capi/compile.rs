//! Compiling C, for the host and for bare metal.

use crate::{arch::Arch, capi, process, workspace};
use anyhow::{Context, Result};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What no C of ours may be told of.
const WARNINGS: [&str; 5] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-Wstrict-prototypes",
];

/// A compiler for the host, for a standard such as `c99` or `c++17`.
pub(super) fn for_host(standard: &str) -> Command {
    let cxx = standard.starts_with("c++");
    let mut command = Command::new("clang");
    // C++ has no other prototypes than strict ones, and is not asked for them.
    command.args(&WARNINGS[..if cxx { 4 } else { 5 }]);
    command.args([
        "-x",
        if cxx { "c++" } else { "c" },
        &format!("-std={standard}"),
    ]);
    command.arg("-I").arg(capi::include());
    command
}

/// A compiler for bare metal, as kernels are compiled: without vector and float registers.
pub(super) fn for_bare(arch: Arch) -> Command {
    let mut command = with_floats(arch);
    command.args(match arch {
        Arch::X86_64 => &["-mno-sse", "-mno-mmx"][..],
        Arch::Aarch64 => &["-mgeneral-regs-only"],
        // None are used by code that has no floats.
        Arch::Riscv64 => &[],
    });
    command
}

/// The same, with all registers.
pub(super) fn with_floats(arch: Arch) -> Command {
    let mut command = Command::new("clang");
    command.args(WARNINGS);
    command.args(["-std=c99", "-O2", "-ffreestanding", "-fno-stack-protector"]);
    command.arg(format!("--target={arch}-none-elf"));
    command.args(match arch {
        Arch::X86_64 => &["-mno-red-zone", "-fno-pic"][..],
        Arch::Aarch64 => &[],
        Arch::Riscv64 => &[
            "-march=rv64gc",
            "-mabi=lp64d",
            "-mno-relax",
            "-mcmodel=medany",
        ],
    });
    command.arg("-I").arg(capi::include());
    let runtime = workspace::root().join("qemu/runtime/include");
    command.arg("-I").arg(runtime);
    command
}

/// Compiles one file to an object in a folder.
pub(super) fn object(mut compiler: Command, source: &Path, folder: &Path) -> Result<PathBuf> {
    let name = source.file_stem().context("a source without a name")?;
    let object = folder.join(name).with_extension("o");
    process::run(compiler.arg("-c").arg(source).arg("-o").arg(&object))?;
    Ok(object)
}

/// The C files of a folder of the repository.
pub(super) fn sources(folder: &str) -> Result<Vec<PathBuf>> {
    let files = workspace::root()
        .join(folder)
        .read_dir()
        .context(folder.to_owned())?;
    let mut paths = Vec::new();
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|end| end == "c") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
