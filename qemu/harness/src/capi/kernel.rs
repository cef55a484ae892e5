//! The static library for modules of Linux on x86_64, in two variants.
//!
//! Both have the code model and relocations that the module loader takes. The hardened one is also
//! compiled as the kernel is, against speculation and for CET, `core` included: the flags are those
//! that Linux gives to its own Rust code (arch/x86/Makefile), some of which rustc calls unstable.

use super::{LIBRARY, archive, folder};
use crate::{arch::Arch, setup, toolchain::Toolchain, tools::Need, workspace};
use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, RelocationFlags, elf, read::archive::ArchiveFile};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How the library is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Variant {
    /// By what the stable compiler offers.
    Stable,
    /// With the kernel's mitigations.
    Hardened,
}

/// What the module loader wants: calls must not go by a table of addresses (R_X86_64_GOTPCREL),
/// as they do where that table is never written once it is filled.
const LOADED: &str = "-C code-model=kernel -C relocation-model=static -C relro-level=off";

/// What a kernel with `MITIGATION_RETPOLINE`, `MITIGATION_RETHUNK`, `MITIGATION_SLS` and
/// `X86_KERNEL_IBT` wants.
const HARDENED: &str = "-Z retpoline-external-thunk -Z indirect-branch-cs-prefix \
                        -Z function-return=thunk-extern -Z cf-protection=branch -C jump-tables=no";

/// The first release that is known to have these flags.
const OLDEST: (u32, u32) = (1, 95);

impl Variant {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stable, Self::Hardened];

    /// Its folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Hardened => "hardened",
        }
    }

    fn flags(self) -> String {
        match self {
            Self::Stable => LOADED.to_owned(),
            Self::Hardened => format!("{LOADED} {HARDENED}"),
        }
    }

    /// The command that compiles it.
    fn command(self) -> Result<Command> {
        let mut command = match self {
            Self::Stable => Toolchain::require(Arch::X86_64)?.cargo_for(Arch::X86_64, "rustc"),
            Self::Hardened => hardened()?.cargo_with_core(Arch::X86_64, "rustc"),
        };
        command.env("CARGO_TARGET_X86_64_UNKNOWN_NONE_RUSTFLAGS", self.flags());
        if self == Self::Stable {
            // The prebuilt core has it that calls go by a table of addresses, also of calls that
            // are inlined from it when all is linked as one.
            command.env("CARGO_PROFILE_CAPI_LTO", "off");
        }
        // What others compile with other flags stays valid.
        let build = workspace::target().join("linux").join(self.name());
        command.env("CARGO_TARGET_DIR", build);
        archive::arguments(&mut command, false);
        Ok(command)
    }
}

/// The compiler of the hardened variant.
fn hardened() -> Result<Toolchain> {
    setup::ensure_these(&[Need::Sources])?;
    let toolchain = Toolchain::with_sources().context("no compiler has core's sources")?;
    let version = toolchain.version()?;
    ensure!(
        version >= OLDEST,
        "rustc {}.{} cannot build the hardened library: it takes {}.{}",
        version.0,
        version.1,
        OLDEST.0,
        OLDEST.1
    );
    Ok(toolchain)
}

/// The library in a variant, built anew where something changed.
pub fn library(variant: Variant) -> Result<PathBuf> {
    let to = folder()
        .join("lib/x86_64-linux-kernel")
        .join(variant.name())
        .join(LIBRARY);
    archive::build(Arch::X86_64, variant.command()?, &to)
        .with_context(|| format!("the {} library for Linux modules", variant.name()))?;
    Ok(to)
}

/// There are only relocations that the module loader takes (`__write_relocate_add` in Linux's
/// arch/x86/kernel/module.c).
pub fn loadable(library: &Path) -> Result<(), String> {
    const TAKEN: [elf::RelocationType; 6] = [
        elf::R_X86_64_64,
        elf::R_X86_64_PC32,
        elf::R_X86_64_PLT32,
        elf::R_X86_64_32,
        elf::R_X86_64_32S,
        elf::R_X86_64_PC64,
    ];
    let kinds = relocations(library).map_err(|error| format!("{error:#}"))?;
    if kinds.is_empty() {
        return Err("there are no relocations".to_owned());
    }
    match kinds.iter().find(|(kind, _)| !TAKEN.contains(kind)) {
        None => Ok(()),
        Some((kind, place)) => Err(format!("relocation of type {kind:?} in {place}")),
    }
}

/// The kinds of relocations, each with a section that has one.
fn relocations(library: &Path) -> Result<BTreeMap<elf::RelocationType, String>> {
    let bytes = fs::read(library)?;
    let mut kinds = BTreeMap::new();
    for member in ArchiveFile::parse(&*bytes)?.members() {
        let file = object::File::parse(member?.data(&*bytes)?)?;
        for section in file.sections() {
            for (_, relocation) in section.relocations() {
                if let RelocationFlags::Elf { r_type } = relocation.flags() {
                    kinds.insert(r_type, section.name()?.to_owned());
                }
            }
        }
    }
    Ok(kinds)
}

/// Both variants and the headers; the folder that they are in.
pub fn install() -> Result<PathBuf> {
    super::headers()?;
    for variant in Variant::ALL {
        library(variant)?;
    }
    Ok(folder())
}
