//! The named workloads: programs of ours, compiled against Debian's libraries.

use super::Trial;
use crate::{
    arch::Arch,
    capi::{self, archive::Target},
    linux::{
        files::Given,
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

impl Library {
    /// The name of its workload, and of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Libpmem2 => "libpmem2",
            Self::Kpmem => "kpmem",
        }
    }
}

/// The NVDIMM, as the guest calls it.
const DEVICE: &str = "/dev/dax0.0";
/// Bytes of it: device DAX wants whole 2 MiB, some of which describe it.
const SIZE: u64 = 16 << 20;
/// What is compiled against.
const DEVELOPMENT: [&str; 5] = [
    "libpmem2-dev",
    "libpmem2",
    "libc6-dev",
    "libc6",
    "linux-libc-dev",
];

/// The program with these words behind the device.
pub fn records(arch: Arch, library: Library, words: &[&str]) -> Result<Trial> {
    let mut command = vec![program(arch, library)?.display().to_string()];
    command.push(DEVICE.to_owned());
    command.extend(words.iter().map(|word| (*word).to_owned()));
    let spec = Spec {
        command,
        ..spec(arch)
    };
    let name = format!("{}-{}", library.name(), words.join("-"));
    Ok(Trial::new(spec, &name))
}

/// Several, one after the other in one guest: the first is workload 1.
pub fn one_by_one(arch: Arch, each: &[(Library, &str)]) -> Result<Trial> {
    let mut script = "true".to_owned();
    let mut files = Vec::new();
    for (number, (library, words)) in (1..).zip(each) {
        let name = library.name();
        script += &format!(" && WORKLOAD={number} /files/{name} {DEVICE} {words}");
        let given = Given {
            host: program(arch, *library)?,
            guest: format!("/files/{name}"),
        };
        if !files.contains(&given) {
            files.push(given);
        }
    }
    let spec = Spec {
        files,
        command: ["sh", "-c", &script].map(str::to_owned).to_vec(),
        ..spec(arch)
    };
    Ok(Trial::new(spec, "records"))
}

fn spec(arch: Arch) -> Spec {
    Spec {
        size: SIZE,
        packages: vec!["libpmem2".to_owned()],
        ..Spec::new(arch, Nvdimm::Devdax)
    }
}

/// The program, for a guest with Debian's libraries.
fn program(arch: Arch, library: Library) -> Result<PathBuf> {
    let folder = workspace::reports().join("linux-crash").join(arch.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let sources = workspace::root().join("qemu");
    let to = folder.join(library.name());
    let mut compile = compiler(arch)?;
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
