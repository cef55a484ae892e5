//! kpmem for C: the static libraries, the headers, and where a C project finds them.

pub mod archive;
pub mod checks;
pub mod direct;
pub mod kernel;
pub mod libpmem2;

use crate::{arch::Arch, workspace};
use anyhow::{Context, Result};
use archive::Target;
use object::read::archive::ArchiveFile;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The name of the library's file, as the linker's `-lkpmem` wants it.
pub const LIBRARY: &str = "libkpmem.a";

/// Where all of it goes.
pub fn folder() -> PathBuf {
    workspace::reports().join("capi")
}

/// The folder of the headers.
pub fn include() -> PathBuf {
    folder().join("include")
}

/// The static library of a target, built anew where something changed, with device trees or (but
/// on the host) without.
pub fn library(target: Target, device_tree: bool) -> Result<PathBuf> {
    let to = folder().join("lib").join(target.triple()?).join(LIBRARY);
    archive::build(target.arch()?, archive::command(target, device_tree)?, &to)?;
    Ok(to)
}

/// The riscv64 library once more, for kernels that are compiled with `-mabi=lp64`, as Linux is. The
/// calling conventions differ only in arguments that are floats (RISC-V ELF psABI, "Procedure
/// Calling Convention"), and the API has none; a linker goes by the flags in the ELF header.
pub fn without_floats(library: &Path) -> Result<PathBuf> {
    /// `EF_RISCV_FLOAT_ABI`, and where `e_flags` is in a header of ELF64.
    const FLOAT_ABI: u8 = 0x6;
    const FLAGS: usize = 0x30;
    let mut bytes = fs::read(library)?;
    let archive = ArchiveFile::parse(&*bytes)?;
    let objects = archive.members().map(|member| Ok(member?.file_range().0));
    let objects: Vec<u64> = objects.collect::<Result<_>>()?;
    for start in objects {
        bytes[usize::try_from(start)? + FLAGS] &= !FLOAT_ABI;
    }
    let to = folder().join("lib/riscv64-lp64").join(LIBRARY);
    fs::create_dir_all(to.parent().context("a library without a folder")?)?;
    fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to)
}

/// Puts the headers where a C project finds them: kpmem's own, libpmem2's names, and the marks of
/// the crash simulator.
pub fn headers() -> Result<Vec<PathBuf>> {
    let (root, to) = (workspace::root(), include());
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    let mut written = Vec::new();
    for from in ["capi/include", "qemu/marks/include"] {
        for header in root.join(from).read_dir().context(from)? {
            let header = header?.path();
            let name = header.file_name().context("a header without a name")?;
            copy(&header, &to.join(name))?;
            written.push(to.join(name));
        }
    }
    written.sort();
    Ok(written)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::copy(from, to);
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// What `pkg-config` reads: the host's library, wherever the folder is moved to.
pub fn description() -> Result<PathBuf> {
    let to = folder().join("kpmem.pc");
    let text = format!(
        "prefix=${{pcfiledir}}\n\
         libdir=${{prefix}}/lib/{}\n\
         includedir=${{prefix}}/include\n\
         \n\
         Name: kpmem\n\
         Description: Persistence primitives of persistent memory\n\
         Version: {}\n\
         Libs: -L${{libdir}} -lkpmem\n\
         Cflags: -I${{includedir}}\n",
        Target::Host.triple()?,
        version()?
    );
    fs::write(&to, text).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to)
}

/// The version in the crate's manifest.
fn version() -> Result<String> {
    let manifest = fs::read_to_string(workspace::root().join("capi/Cargo.toml"))?;
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = "));
    Ok(line
        .context("capi/Cargo.toml has no version")?
        .trim_matches('"')
        .to_owned())
}

/// All targets that a library is built for.
pub fn targets() -> Vec<Target> {
    let bare = Arch::ALL.into_iter().map(Target::Bare);
    std::iter::once(Target::Host).chain(bare).collect()
}
