//! The named workloads: programs of ours, compiled against Debian's libraries.

use super::{Trial, compile, storage};
use crate::{
    arch::Arch,
    capi::{self, archive::Target},
    linux::{files::Given, guest::Spec, nvdimm::Nvdimm},
    setup,
    tools::Need,
    workspace,
};
use anyhow::Result;
use std::path::PathBuf;

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
pub(super) const DEVICE: &str = "/dev/dax0.0";
/// Bytes of it: device DAX wants whole 2 MiB, some of which describe it.
pub(super) const SIZE: u64 = 16 << 20;

/// The program with these words behind the device.
pub fn records(arch: Arch, library: Library, words: &[&str]) -> Result<Trial> {
    let extras: &[&str] = match (library, arch) {
        (Library::Libpmem2, Arch::Aarch64) => &["dsb", "undrained", "careless"],
        _ => &["undrained", "careless"],
    };
    storage::checked(library.name(), words, &["copy", "persist"], extras)?;
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
    let sources = workspace::root().join("qemu");
    let to = compile::folder(arch)?.join(library.name());
    let mut compile = compile::compiler(arch)?;
    compile.arg("-I").arg(sources.join("marks/include"));
    if library == Library::Kpmem {
        setup::ensure_these(&[Need::Core(arch), Need::Linker])?;
        capi::headers()?;
        compile.arg("-DKPMEM").arg("-I").arg(capi::include());
    }
    compile.arg(sources.join("harness/src/linux/guest/libpmem2.c"));
    match library {
        Library::Libpmem2 => compile.arg("-lpmem2"),
        Library::Kpmem => compile.arg(capi::library(Target::Bare(arch), false)?),
    };
    compile::finish(compile.args(["-no-pie", "-lc", "-l:crtn.o"]), arch, to)
}
