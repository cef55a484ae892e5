//! The named workloads: programs of ours, compiled against Debian's libraries.

use super::Trial;
use crate::{
    arch::Arch,
    capi::{self, archive::Target},
    linux::{
        guest::{self, Spec},
        nvdimm::Nvdimm,
    },
    process,
    setup::unpacked::{Package, unpacked_for},
    workspace,
};
use anyhow::{Context, Result};
use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

/// Which library makes the records durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// Debian's libpmem2.
    Libpmem2,
    /// kpmem, by its C interface.
    Kpmem,
}

/// What is compiled against.
const DEVELOPMENT: [&str; 5] = [
    "libpmem2-dev",
    "libpmem2",
    "libc6-dev",
    "libc6",
    "linux-libc-dev",
];

/// The workload `libpmem2` with these words behind the device.
pub fn libpmem2(arch: Arch, library: Library, words: &[&str]) -> Result<Trial> {
    let program = program(arch, library)?;
    let mut command = vec![program.display().to_string(), "/dev/dax0.0".to_owned()];
    command.extend(words.iter().map(|word| (*word).to_owned()));
    let spec = Spec {
        size: 16 << 20,
        packages: vec!["libpmem2".to_owned()],
        command,
        ..Spec::new(arch, Nvdimm::Devdax)
    };
    let name = match library {
        Library::Libpmem2 => "libpmem2",
        Library::Kpmem => "libpmem2-kpmem",
    };
    Ok(Trial::new(spec, &format!("{name}-{}", words.join("-"))))
}

/// The program, for a guest with Debian's libraries.
fn program(arch: Arch, library: Library) -> Result<PathBuf> {
    let folder = workspace::reports().join("linux-crash").join(arch.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let sources = workspace::root().join("qemu");
    let (to, mut compile) = match library {
        Library::Libpmem2 => (folder.join("libpmem2"), compiler(arch)?),
        Library::Kpmem => (folder.join("kpmem"), compiler(arch)?),
    };
    compile.arg("-I").arg(sources.join("marks/include"));
    if library == Library::Kpmem {
        capi::headers()?;
        compile.arg("-DKPMEM").arg("-I").arg(capi::include());
    }
    compile.arg(sources.join("harness/src/linux/guest/libpmem2.c"));
    match library {
        Library::Libpmem2 => compile.arg("-lpmem2"),
        Library::Kpmem => compile.arg(capi::library(Target::Bare(arch), false)?),
    };
    compile.args(["-lc", "-l:crtn.o", "-o"]).arg(&to);
    process::run(&mut compile).with_context(|| format!("cannot compile for {arch}"))?;
    Ok(to)
}

/// A compiler that finds headers, libraries and start files in Debian's packages alone. It needs no
/// library of its own.
fn compiler(arch: Arch) -> Result<Command> {
    let root = sysroot(arch)?;
    let mut clang = Command::new("clang");
    clang.arg(format!("--target={}", arch.triplet()));
    clang.arg(format!("--sysroot={}", root.display()));
    clang.arg(format!("--ld-path={}-ld", arch.triplet()));
    clang.args(["-std=gnu99", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]);
    clang.args(["-fno-pie", "-no-pie", "-nostdlib"]);
    // What the libraries need is in the guest.
    clang.arg("-Wl,--unresolved-symbols=ignore-in-shared-libs");
    clang.args(["-l:crt1.o", "-l:crti.o"]);
    Ok(clang)
}

/// The folder in which Debian's packages for compiling are, as they would be in `/`.
fn sysroot(arch: Arch) -> Result<PathBuf> {
    let suite = guest::oldest(arch);
    let packages = DEVELOPMENT.map(|name| Package::of(suite, name));
    let root = unpacked_for(
        arch,
        &format!("libpmem2-{suite}-{}", arch.debian()),
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
