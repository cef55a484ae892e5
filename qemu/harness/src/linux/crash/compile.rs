//! C programs for a guest, compiled with Debian's headers and libraries of its instruction set.

use crate::{
    arch::Arch,
    linux::guest,
    process,
    setup::{
        self,
        unpacked::{Package, unpacked_for},
    },
    tools::Need,
    workspace,
};
use anyhow::{Context, Result};
use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

/// What is compiled against.
const DEVELOPMENT: [&str; 9] = [
    "libpmem2-dev",
    "libpmem2",
    "libpmem-dev",
    "libpmem1",
    "libpmemobj-dev",
    "libpmemobj1",
    "libc6-dev",
    "libc6",
    "linux-libc-dev",
];

/// A compiler that finds headers, libraries and start files in Debian's packages alone. It needs no
/// library of its own, and its linker is the binutils'.
pub(super) fn compiler(arch: Arch) -> Result<Command> {
    setup::ensure_these(&[Need::Clang, Need::Objdump(arch)])?;
    let root = sysroot(arch)?;
    let mut clang = Command::new("clang");
    clang.arg(format!("--target={}", arch.triplet()));
    clang.arg(format!("--sysroot={}", root.display()));
    clang.arg(format!("--ld-path={}-ld", arch.triplet()));
    clang.args(["-std=gnu99", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]);
    clang.args(["-fno-pie", "-nostdlib"]);
    // What the libraries need is in the guest.
    clang.arg("-Wl,--unresolved-symbols=ignore-in-shared-libs");
    clang.args(["-l:crt1.o", "-l:crti.o"]);
    Ok(clang)
}

/// The folder in which Debian's packages for compiling are, as they would be in `/`.
pub(super) fn sysroot(arch: Arch) -> Result<PathBuf> {
    let suite = guest::oldest(arch);
    let names = DEVELOPMENT.into_iter().chain([helpers(arch)]);
    let packages: Vec<_> = names.map(|name| Package::of(suite, name)).collect();
    let root = unpacked_for(
        arch,
        &format!("compile-{suite}-{}", arch.debian()),
        &packages,
    )?;
    for folder in ["lib", "lib64"] {
        let (link, whole) = (root.join(folder), format!("usr/{folder}"));
        if !link.exists() && root.join(&whole).is_dir() {
            symlink(&whole, &link).with_context(|| format!("cannot make {}", link.display()))?;
        }
    }
    Ok(root)
}

/// The package of what the compiler calls by itself.
fn helpers(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 | Arch::Aarch64 => "libgcc-12-dev",
        Arch::Riscv64 => "libgcc-14-dev",
    }
}

/// The folder for programs of an instruction set.
pub(super) fn folder(arch: Arch) -> Result<PathBuf> {
    let folder = workspace::reports().join("linux-crash").join(arch.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// A program of one source in `linux/guest/`, which needs no library to be loaded.
pub(super) fn alone(arch: Arch, name: &str, source: &str) -> Result<PathBuf> {
    let to = folder(arch)?.join(name);
    let sources = workspace::root().join("qemu");
    let mut compile = compiler(arch)?;
    compile.arg("-I").arg(sources.join("marks/include"));
    compile.arg(sources.join("harness/src/linux/guest").join(source));
    link_alone(&mut compile, arch)?;
    finish(&mut compile, arch, to)
}

/// Compiles to this file.
pub(super) fn finish(compile: &mut Command, arch: Arch, to: PathBuf) -> Result<PathBuf> {
    process::run(compile.arg("-o").arg(&to))
        .with_context(|| format!("cannot compile for {arch}"))?;
    Ok(to)
}

/// Links a program without any library to be loaded.
fn link_alone(compile: &mut Command, arch: Arch) -> Result<()> {
    let version = helpers(arch).trim_matches(|c: char| !c.is_ascii_digit());
    let folder = format!("usr/lib/gcc/{}/{version}", arch.triplet());
    compile
        .arg("-static")
        .arg("-L")
        .arg(sysroot(arch)?.join(folder));
    compile.args([
        "-Wl,--start-group",
        "-lc",
        "-lgcc",
        "-lgcc_eh",
        "-Wl,--end-group",
    ]);
    compile.arg("-l:crtn.o");
    Ok(())
}
