//! The static library for modules of Linux on x86_64, in two variants.
//!
//! Both have the code model and relocations that the module loader takes. The hardened one is also
//! compiled as the kernel is, against speculation and for CET, `core` included: the flags are those
//! that Linux gives to its own Rust code (arch/x86/Makefile), some of which rustc calls unstable.

use super::{LIBRARY, archive, folder};
use crate::{arch::Arch, setup, toolchain::Toolchain, tools::Need, workspace};
use anyhow::{Context, Result, ensure};
use std::{path::PathBuf, process::Command};

/// How the library is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// By what the stable compiler offers.
    Stable,
    /// With the kernel's mitigations.
    Hardened,
}

/// What the module loader wants.
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
        // What others compile with other flags stays valid.
        let build = workspace::target().join("linux").join(self.name());
        command.env("CARGO_TARGET_DIR", build);
        archive::arguments(&mut command);
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

/// Both variants and the headers; the folder that they are in.
pub fn install() -> Result<PathBuf> {
    super::headers()?;
    for variant in Variant::ALL {
        library(variant)?;
    }
    Ok(folder())
}
