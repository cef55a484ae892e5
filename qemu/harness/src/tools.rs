//! What the tests need from the machine, and whether it is there.

use crate::{
    arch::Arch,
    page::browser::Browser,
    process,
    toolchain::{Core, Toolchain, parse_version},
};
use std::{fmt, path::PathBuf, process::Command};

/// The oldest QEMU that will do: Zicbom with all block sizes, and plugins that see store values.
const OLDEST_QEMU: (u32, u32) = (10, 0);

/// Where Debian's libpmem2-dev puts it on x86_64, the only place that has it.
pub const LIBPMEM2: &str = "/usr/lib/x86_64-linux-gnu/libpmem2.a";

/// One thing that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The emulator.
    Qemu(Arch),
    /// The `core` library of the bare target.
    Core(Arch),
    /// A linker for the bare targets.
    Linker,
    /// The disassembler.
    Objdump(Arch),
    /// The lints, for each compiler that is used.
    Clippy,
    /// The formatter.
    Rustfmt,
    /// A C compiler for all instruction sets, for functions that a test judges.
    Clang,
    /// The peer's static library, which a test judges.
    Libpmem2,
    /// The sources of `core`, to be compiled with flags of ours.
    Sources,
    /// What builds modules of Linux.
    Kbuild,
    /// What tells which system calls QEMU makes.
    Strace,
    /// A browser that draws the crash simulator's pages in a test.
    Browser,
}

impl Need {
    /// Everything that tests and demo need, in the order of the doctor's report.
    pub fn all() -> Vec<Self> {
        let each = |of: fn(Arch) -> Self| Arch::ALL.map(of);
        [
            &each(Self::Qemu)[..],
            &each(Self::Core),
            &[Self::Linker],
            &each(Self::Objdump),
        ]
        .concat()
    }

    /// Everything that the lints need.
    pub fn for_lint() -> Vec<Self> {
        [
            &Arch::ALL.map(Self::Core)[..],
            &[Self::Linker, Self::Clippy, Self::Rustfmt],
        ]
        .concat()
    }

    /// What tests do without where it cannot be had.
    pub const OPTIONAL: [Self; 6] = [
        Self::Clang,
        Self::Libpmem2,
        Self::Sources,
        Self::Kbuild,
        Self::Strace,
        Self::Browser,
    ];

    /// What was found; an error says what is wrong.
    pub fn find(self) -> Result<String, String> {
        match self {
            Self::Qemu(arch) => find_qemu(arch),
            Self::Core(arch) => find_core(arch),
            Self::Linker => find_linker(),
            Self::Clippy => find_clippy(),
            Self::Rustfmt => find_rustfmt(),
            Self::Clang => process::find("clang")
                .map(|path| path.display().to_string())
                .ok_or_else(|| "clang is not installed".to_owned()),
            Self::Sources => Toolchain::with_sources()
                .map(|toolchain| format!("in {}", toolchain.sysroot().display()))
                .ok_or_else(|| "no compiler has them".to_owned()),
            Self::Kbuild => find_kbuild(),
            Self::Libpmem2 => Some(PathBuf::from(LIBPMEM2))
                .filter(|path| path.is_file())
                .map(|path| path.display().to_string())
                .ok_or_else(|| "libpmem2's static library is not installed".to_owned()),
            Self::Strace => find_strace(),
            Self::Browser => Browser::find()
                .map(|browser| browser.path().display().to_string())
                .ok_or_else(|| "no Chromium is installed".to_owned()),
            Self::Objdump(arch) => process::find(arch.objdump())
                .map(|path| path.display().to_string())
                .ok_or_else(|| format!("{} is not installed", arch.objdump())),
        }
    }

    /// Those that are missing.
    pub fn missing(needs: &[Self]) -> Vec<Self> {
        needs
            .iter()
            .copied()
            .filter(|need| need.find().is_err())
            .collect()
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qemu(arch) => write!(f, "QEMU for {arch}"),
            Self::Core(arch) => write!(f, "core for {}", arch.target()),
            Self::Linker => f.write_str("linker for bare targets"),
            Self::Clippy => f.write_str("clippy"),
            Self::Rustfmt => f.write_str("rustfmt"),
            Self::Clang => f.write_str("clang"),
            Self::Libpmem2 => f.write_str("static library of libpmem2"),
            Self::Sources => f.write_str("sources of core"),
            Self::Kbuild => f.write_str("tools that build modules of Linux"),
            Self::Strace => f.write_str("strace"),
            Self::Browser => f.write_str("browser for the pages of failures"),
            Self::Objdump(arch) => write!(f, "objdump for {arch}"),
        }
    }
}

fn find_qemu(arch: Arch) -> Result<String, String> {
    let program = arch.qemu();
    if process::find(program).is_none() {
        return Err(format!("{program} is not installed"));
    }
    let (major, minor) = qemu_version(arch)?;
    if (major, minor) >= OLDEST_QEMU {
        return Ok(format!("{program} {major}.{minor}"));
    }
    Err(format!(
        "{program} is {major}.{minor}; at least {}.{} is needed",
        OLDEST_QEMU.0, OLDEST_QEMU.1
    ))
}

/// Version of the installed QEMU.
pub(crate) fn qemu_version(arch: Arch) -> Result<(u32, u32), String> {
    let program = arch.qemu();
    let text = process::stdout_of(Command::new(program).arg("--version"))
        .map_err(|error| error.to_string())?;
    text.strip_prefix("QEMU emulator version ")
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(parse_version)
        .ok_or_else(|| format!("{program} does not tell its version"))
}

fn find_core(arch: Arch) -> Result<String, String> {
    let toolchain = Toolchain::for_target(arch).ok_or(
        "neither is the target installed, nor are the distribution's compiler and sources",
    )?;
    let version = toolchain.version().map_err(|error| error.to_string())?;
    let way = match toolchain.core {
        Core::Installed => "target installed",
        Core::BuildStd => "compiled from the distribution's sources (build-std)",
    };
    Ok(format!(
        "{way}, rustc {}.{} in {}",
        version.0,
        version.1,
        toolchain.sysroot().display()
    ))
}

fn find_linker() -> Result<String, String> {
    let own = |arch| Toolchain::for_target(arch).is_some_and(|toolchain| !toolchain.needs_lld());
    if Arch::ALL.into_iter().all(own) {
        return Ok("rust-lld, part of the compiler".to_owned());
    }
    process::find("ld.lld")
        .map(|path| path.display().to_string())
        .ok_or_else(|| "ld.lld is not installed".to_owned())
}

/// Debian's kernels want the compiler that they were built with.
fn find_kbuild() -> Result<String, String> {
    let each = ["make", "gcc-12"].map(|program| {
        let path = process::find(program).ok_or_else(|| format!("{program} is not installed"))?;
        Ok::<_, String>(path.display().to_string())
    });
    let [make, compiler] = each;
    Ok(format!("{}, {}", make?, compiler?))
}

/// It may be there and not allowed to do anything.
fn find_strace() -> Result<String, String> {
    let path = process::find("strace").ok_or("strace is not installed")?;
    let mut trace = Command::new(&path);
    trace.args(["-o", "/dev/null", "true"]);
    process::stdout_of(&mut trace).map_err(|error| error.to_string())?;
    Ok(path.display().to_string())
}

fn find_clippy() -> Result<String, String> {
    let bare = Arch::ALL.into_iter().filter_map(Toolchain::for_target);
    let mut used = bare.chain(Toolchain::active().ok());
    match used.find(|toolchain| !toolchain.sysroot().join("bin/clippy-driver").is_file()) {
        None => Ok("part of each compiler that is used".to_owned()),
        Some(lacking) => Err(format!(
            "no clippy for the compiler in {} (rustup: `rustup component add clippy`)",
            lacking.sysroot().display()
        )),
    }
}

fn find_rustfmt() -> Result<String, String> {
    let active = Toolchain::active().map_err(|error| error.to_string())?;
    let rustfmt = active.sysroot().join("bin/rustfmt");
    if rustfmt.is_file() {
        return Ok(rustfmt.display().to_string());
    }
    Err(format!(
        "no {} (rustup: `rustup component add rustfmt`)",
        rustfmt.display()
    ))
}
