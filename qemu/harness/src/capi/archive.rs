//! One object with no symbol but the API's, made of what the compiler built.
//!
//! A static library of rustc's has all of `core` in it, under names that another Rust library in
//! the same kernel would bring too, and tables for unwinding that kernels have no use for. Here
//! its objects are joined, what nothing of the API needs is left out, and every other name becomes
//! local.

use crate::{
    arch::Arch,
    process,
    toolchain::{self, Toolchain},
};
use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol, read::archive::ArchiveFile};
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the names of the API begin with.
pub const PREFIXES: [&str; 2] = ["kpmem_", "pmem2_"];

/// Sections that no kernel has a use for: tables for unwinding, the compiler's notes.
const LEFT_OUT: [&str; 6] = [
    ".eh_frame",
    ".gcc_except_table*",
    ".llvmbc",
    ".llvmcmd",
    ".comment",
    ".debug*",
];

/// What a library is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The machine that this runs on, in user space.
    Host,
    /// No operating system.
    Bare(Arch),
}

impl Target {
    /// The name of the folder that its library goes to: the target's, in Rust's words.
    pub fn triple(self) -> Result<String> {
        match self {
            Self::Host => host(),
            Self::Bare(arch) => Ok(arch.target().to_owned()),
        }
    }

    /// Its instruction set.
    pub fn arch(self) -> Result<Arch> {
        match self {
            Self::Bare(arch) => Ok(arch),
            Self::Host => {
                let mut all = Arch::ALL.into_iter();
                let host = all.find(|arch| arch.name() == env::consts::ARCH);
                host.with_context(|| format!("no C library for hosts of {}", env::consts::ARCH))
            }
        }
    }
}

fn host() -> Result<String> {
    let rustc = Toolchain::active()?.rustc();
    let text = process::stdout_of(Command::new(rustc).arg("-vV"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc -vV does not name the host")?.to_owned())
}

/// The command that compiles the library for a target. (Another one for [`build`] has other flags.)
pub fn command(target: Target, device_tree: bool) -> Result<Command> {
    let mut command = match target {
        Target::Host => Toolchain::active()?.cargo("rustc"),
        Target::Bare(arch) => Toolchain::require(arch)?.cargo_for(arch, "rustc"),
    };
    // On the host nobody minds a way to a panic.
    arguments(&mut command, device_tree || target == Target::Host);
    Ok(command)
}

/// What `cargo rustc` is asked for, whatever the target.
pub fn arguments(command: &mut Command, device_tree: bool) {
    let features = if device_tree {
        "standalone,device-tree"
    } else {
        "standalone"
    };
    command.args(["--package", "kpmem-capi", "--lib", "--profile", "capi"]);
    command.args(["--crate-type", "staticlib", "--features", features]);
}

/// The compiler's own library of a target, with all of `core` in it.
pub fn raw(target: Target) -> Result<PathBuf> {
    toolchain::static_library(command(target, false)?, "kpmem_capi")
}

/// Compiles by a command and puts the library at `to`.
pub fn build(arch: Arch, command: Command, to: &Path) -> Result<()> {
    let raw = toolchain::static_library(command, "kpmem_capi")?;
    join(arch, &raw, to).with_context(|| format!("cannot make {}", to.display()))
}

/// Makes one object of a static library of rustc's, and a library of that.
pub fn join(arch: Arch, raw: &Path, to: &Path) -> Result<()> {
    let names = exported(raw)?;
    if names.is_empty() {
        bail!("{} defines nothing of the API", raw.display());
    }
    let folder = tempfile::tempdir().context("cannot make a directory for objects")?;
    let file = |name: &str| folder.path().join(name);
    let (joined, object) = (file("joined.o"), file("kpmem.o"));
    let (keep, roots, script) = (file("keep"), file("roots"), file("script"));
    let lines = |prefix: &str| {
        let line = |name: &String| format!("{prefix}{name}\n");
        names.iter().map(line).collect::<String>()
    };
    fs::write(&keep, lines(""))?;
    fs::write(&roots, lines("--undefined="))?;
    let left_out = LEFT_OUT.map(|name| format!("*({name}) ")).concat();
    fs::write(
        &script,
        format!("SECTIONS {{ /DISCARD/ : {{ {left_out}}} }}\n"),
    )?;

    let mut join = tool(arch, "ld");
    join.args(["-r", "--gc-sections", "--strip-debug", "-T"])
        .arg(&script);
    join.arg(format!("@{}", roots.display())).arg(raw);
    process::run(join.arg("-o").arg(&joined))?;

    let mut localise = tool(arch, "objcopy");
    localise.arg(format!("--keep-global-symbols={}", keep.display()));
    process::run(localise.arg(&joined).arg(&object))?;

    let parent = to.parent().context("a library without a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    // `ar` would add to what is there.
    if to.exists() {
        fs::remove_file(to)?;
    }
    process::run(tool(arch, "ar").args(["rcsD"]).arg(to).arg(&object))
}

/// A tool of the binutils for an instruction set.
pub fn tool(arch: Arch, name: &str) -> Command {
    Command::new(format!("{arch}-linux-gnu-{name}"))
}

/// The names of the API that a static library defines.
pub fn exported(library: &Path) -> Result<BTreeSet<String>> {
    let bytes = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    let mut names = BTreeSet::new();
    for member in ArchiveFile::parse(&*bytes)?.members() {
        let Ok(file) = object::File::parse(member?.data(&*bytes)?) else {
            continue; // what is no object
        };
        let defined = file
            .symbols()
            .filter(|symbol| symbol.is_definition() && symbol.is_global());
        let defined = defined.filter_map(|symbol| Some(symbol.name().ok()?.to_owned()));
        names.extend(defined.filter(|name| PREFIXES.iter().any(|start| name.starts_with(start))));
    }
    Ok(names)
}
