//! libpmem2 for Linux user space: the static library, and the shared one under the name and with
//! the version that programs linked with PMDK's ask for.

use super::{
    archive::{self, Target},
    folder,
};
use crate::{process, toolchain, toolchain::Toolchain, workspace};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The two libraries.
#[derive(Clone, Debug)]
pub struct Libraries {
    /// `libpmem2.a`.
    pub archive: PathBuf,
    /// `libpmem2.so.1`, with `libpmem2.so` beside it, for `-lpmem2`.
    pub shared: PathBuf,
    /// `libpmem2.pc`, beside `kpmem.pc`.
    pub description: PathBuf,
}

/// Builds both, for the host.
pub fn libraries() -> Result<Libraries> {
    let host = folder().join("lib").join(Target::Host.triple()?);
    let archive = host.join("libpmem2.a");
    let mut command = Toolchain::active()?.cargo("rustc");
    command.args(["--package", "kpmem-libpmem2", "--lib", "--profile", "capi"]);
    let raw = toolchain::static_library(command, "pmem2")?;
    archive::join(Target::Host.arch()?, &raw, &archive)?;
    let shared = host.join("libpmem2.so.1");
    link(&archive, &shared)?;
    let plain = host.join("libpmem2.so");
    if plain.symlink_metadata().is_ok() {
        fs::remove_file(&plain)?;
    }
    std::os::unix::fs::symlink("libpmem2.so.1", &plain)
        .with_context(|| format!("cannot make {}", plain.display()))?;
    let description = folder().join("libpmem2.pc");
    fs::write(&description, text(&Target::Host.triple()?))
        .with_context(|| format!("cannot write {}", description.display()))?;
    Ok(Libraries {
        archive,
        shared,
        description,
    })
}

/// What `pkg-config` reads. The version is that of the PMDK whose calls these are.
fn text(triple: &str) -> String {
    format!(
        "prefix=${{pcfiledir}}\n\
         libdir=${{prefix}}/lib/{triple}\n\
         includedir=${{prefix}}/include\n\
         \n\
         Name: libpmem2\n\
         Description: PMDK's libpmem2 over kpmem\n\
         Version: 1.12.1\n\
         Libs: -L${{libdir}} -lpmem2\n\
         Libs.private: -lpthread -ldl\n\
         Cflags: -I${{includedir}}\n"
    )
}

fn link(archive: &Path, shared: &Path) -> Result<()> {
    let versions = workspace::root().join("libpmem2/libpmem2.map");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-Wl,-soname,libpmem2.so.1", "-Wl,--no-undefined"])
        .arg(format!("-Wl,--version-script={}", versions.display()))
        .arg("-Wl,--whole-archive")
        .arg(archive)
        .args(["-Wl,--no-whole-archive", "-lpthread", "-ldl", "-o"])
        .arg(shared);
    process::run(&mut cc)
}
