//! How to compile for the host and for each bare target, whatever toolchain the machine has.

use crate::{arch::Arch, process, workspace};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    env,
    fs::DirEntry,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where a bare target's `core` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// The target is installed: `rustup target add`, or a distribution's package.
    Installed,
    /// Compiled from the distribution's sources with `-Zbuild-std`.
    BuildStd,
}

/// A compiler with its cargo.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// How it gets `core` for a bare target.
    pub core: Core,
    cargo: PathBuf,
    /// The compiler to force upon cargo, when it is not the one that cargo finds by itself.
    rustc: Option<PathBuf>,
    sysroot: PathBuf,
    /// Shared libraries that it brings along.
    libraries: Option<PathBuf>,
    /// Its own target directory, inside cargo's, for what build-std makes.
    directory: &'static str,
}

/// The distribution's compiler, which its package of `core` sources belongs to.
const DISTRIBUTION: &str = "/usr";
/// The first release that knows edition 2024.
const OLDEST: (u32, u32) = (1, 85);

impl Toolchain {
    /// The toolchain that `cargo xtask` was started with.
    pub fn active() -> Result<Self> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let sysroot = process::stdout_of(Command::new(rustc).args(["--print", "sysroot"]))
            .context("this needs Rust, and its compiler cannot be run")?;
        Ok(Self {
            core: Core::Installed,
            cargo: env::var_os("CARGO")
                .unwrap_or_else(|| "cargo".into())
                .into(),
            rustc: None,
            sysroot: sysroot.trim().into(),
            libraries: None,
            directory: "",
        })
    }

    /// The distribution's toolchain with the sources of `core`, if both are installed.
    pub fn distribution() -> Option<Self> {
        let toolchain = Self::at(DISTRIBUTION.into(), "build-std");
        let complete = toolchain.cargo.is_file() && toolchain.has_sources();
        let recent = || toolchain.version().is_ok_and(|version| version >= OLDEST);
        (complete && recent()).then_some(toolchain)
    }

    /// A toolchain whose `bin` is in `sysroot`, to be kept apart from all others in `directory`.
    pub fn at(sysroot: PathBuf, directory: &'static str) -> Self {
        Self {
            core: Core::BuildStd,
            cargo: sysroot.join("bin/cargo"),
            rustc: Some(sysroot.join("bin/rustc")),
            sysroot,
            libraries: None,
            directory,
        }
    }

    /// The same toolchain, with a directory of shared libraries.
    pub fn with_libraries(mut self, libraries: PathBuf) -> Self {
        self.libraries = Some(libraries);
        self
    }

    /// Whether it can compile `core`.
    pub fn has_sources(&self) -> bool {
        self.sysroot
            .join("lib/rustlib/src/rust/library/core/Cargo.toml")
            .is_file()
    }

    /// The toolchain that can compile `core`. `None`: set-up has work to do.
    pub fn with_sources() -> Option<Self> {
        let active = Self::active().ok();
        active.filter(Self::has_sources).or_else(Self::distribution)
    }

    /// The toolchain to use for a bare target. `None`: set-up has work to do.
    pub fn for_target(arch: Arch) -> Option<Self> {
        Self::active()
            .ok()
            .filter(|active| active.has(arch))
            .or_else(Self::distribution)
    }

    /// The same, or an error that says what to do.
    pub fn require(arch: Arch) -> Result<Self> {
        Self::for_target(arch).with_context(|| {
            format!(
                "no compiler can build for {}: run `cargo xtask setup`",
                arch.target()
            )
        })
    }

    /// Whether the target's `core` is installed.
    pub fn has(&self, arch: Arch) -> bool {
        let libraries = self
            .sysroot
            .join("lib/rustlib")
            .join(arch.target())
            .join("lib");
        libraries.read_dir().is_ok_and(|files| {
            files
                .flatten()
                .any(|file| file.file_name().as_encoded_bytes().starts_with(b"libcore-"))
        })
    }

    /// Release of the compiler: (1, 85) for 1.85.
    pub fn version(&self) -> Result<(u32, u32)> {
        let mut command = Command::new(self.rustc());
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        let text = process::stdout_of(command.arg("--version"))?;
        let version = text
            .split_whitespace()
            .nth(1)
            .context("rustc --version says nothing")?;
        parse_version(version).with_context(|| format!("cannot read rustc's version {version:?}"))
    }

    /// The compiler to ask.
    pub fn rustc(&self) -> PathBuf {
        self.rustc.clone().unwrap_or_else(|| {
            env::var_os("RUSTC")
                .unwrap_or_else(|| "rustc".into())
                .into()
        })
    }

    /// The root of the toolchain's files.
    pub fn sysroot(&self) -> &Path {
        &self.sysroot
    }

    /// Whether linking for bare targets needs a linker from outside the toolchain.
    pub fn needs_lld(&self) -> bool {
        let hosts = self.sysroot.join("lib/rustlib").read_dir();
        let bundled = |host: DirEntry| host.path().join("bin/rust-lld").is_file();
        !hosts.is_ok_and(|hosts| hosts.flatten().any(bundled))
    }

    /// `cargo SUBCOMMAND` for the host.
    pub fn cargo(&self, subcommand: &str) -> Command {
        self.command(&self.cargo, subcommand)
    }

    /// `cargo SUBCOMMAND --target ...` for a bare target.
    pub fn cargo_for(&self, arch: Arch, subcommand: &str) -> Command {
        self.for_bare(arch, self.cargo(subcommand))
    }

    /// `cargo clippy`, started such that it uses this toolchain's lints and no other's.
    pub fn clippy(&self) -> Command {
        match self.core {
            Core::Installed => self.cargo("clippy"),
            Core::BuildStd => {
                let mut command = self.command(&self.sysroot.join("bin/cargo-clippy"), "clippy");
                command.env("CARGO", &self.cargo);
                command
            }
        }
    }

    /// The same where `core`, too, is to be compiled with the flags that are set: it needs its
    /// sources.
    pub fn cargo_with_core(&self, arch: Arch, subcommand: &str) -> Command {
        let mut command = self.cargo_for(arch, subcommand);
        if self.has(arch) {
            compile_core(&mut command);
        }
        command
    }

    /// Makes a command of this toolchain one for a bare target.
    pub fn for_bare(&self, arch: Arch, mut command: Command) -> Command {
        let target = arch.target();
        command.args(["--target", target]);
        if !self.has(arch) {
            compile_core(&mut command);
        }
        if self.needs_lld() {
            let key = target.to_uppercase().replace('-', "_");
            command.env(format!("CARGO_TARGET_{key}_LINKER"), "ld.lld");
        }
        command
    }

    fn command(&self, program: &Path, subcommand: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg(subcommand)
            .current_dir(workspace::root())
            .stdin(Stdio::null());
        if !self.directory.is_empty() {
            // What other compilers made stays valid.
            command.env("CARGO_TARGET_DIR", workspace::target().join(self.directory));
        } else if env::var_os("CARGO_TARGET_DIR").is_some() {
            // A relative one is from where we were started, and cargo is started elsewhere.
            command.env("CARGO_TARGET_DIR", workspace::target());
        }
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if let Some(rustc) = &self.rustc {
            command
                .env("RUSTC", rustc)
                .env("RUSTDOC", rustc.with_file_name("rustdoc"));
        }
        command
    }
}

fn compile_core(command: &mut Command) {
    command.arg("-Zbuild-std=core").env("RUSTC_BOOTSTRAP", "1");
    // What the distribution's own sources will have to change is not for our users.
    command.env("CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", "never");
}

/// Major and minor number at the start of a version.
pub fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// One artefact of a build, as cargo reports it.
#[derive(Deserialize)]
struct Built {
    target: Option<Target>,
    executable: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Has cargo tell what it made.
const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// Builds, and returns what was made. The command has [`MESSAGES`].
fn artefacts(mut build: Command) -> Result<Vec<Built>> {
    let output = process::output_of(build.stderr(Stdio::inherit()))?;
    if !output.status.success() {
        bail!("{build:?} failed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().map(serde_json::from_str);
    Ok(messages.filter_map(Result::ok).collect())
}

/// Builds a package's binaries and returns where they are, by name.
pub fn executables(mut build: Command) -> Result<BTreeMap<String, PathBuf>> {
    build.arg(MESSAGES);
    executables_of(build)
}

fn executables_of(build: Command) -> Result<BTreeMap<String, PathBuf>> {
    let built = artefacts(build)?.into_iter();
    Ok(built
        .filter_map(|built| Some((built.target?.name, built.executable?)))
        .collect())
}

/// The same of `cargo rustc`, with files that the linker is given too.
pub fn executables_with(mut build: Command, files: &[&Path]) -> Result<BTreeMap<String, PathBuf>> {
    build.args([MESSAGES, "--"]);
    for file in files {
        build.args(["-C", &format!("link-arg={}", file.display())]);
    }
    executables_of(build)
}

/// Builds the dynamic library of this name and returns where it is.
pub fn library(build: Command, name: &str) -> Result<PathBuf> {
    library_of(build, name, env::consts::DLL_EXTENSION)
}

/// Builds the static library of this name for a bare target and returns where it is.
pub fn static_library(build: Command, name: &str) -> Result<PathBuf> {
    library_of(build, name, "a")
}

fn library_of(mut build: Command, name: &str, extension: &str) -> Result<PathBuf> {
    build.arg(MESSAGES);
    let mut built = artefacts(build)?.into_iter();
    let ours = built.find(|built| {
        built
            .target
            .as_ref()
            .is_some_and(|target| target.name == name)
    });
    let mut files = ours.into_iter().flat_map(|built| built.filenames);
    files
        .find(|file| file.extension().is_some_and(|end| end == extension))
        .with_context(|| format!("the build made no library {name}.{extension}"))
}

/// Builds the release binaries of a package for a bare target.
pub fn build(arch: Arch, package: &str) -> Result<BTreeMap<String, PathBuf>> {
    build_with(arch, package, &[])
}

/// The same, with cargo's settings in `environment`. The next build may write over them.
pub fn build_with(
    arch: Arch,
    package: &str,
    environment: &[(&str, &str)],
) -> Result<BTreeMap<String, PathBuf>> {
    let toolchain = Toolchain::require(arch)?;
    let mut command = toolchain.cargo_for(arch, "build");
    command.args(["--release", "--bins", "--tests", "--package", package]);
    command.envs(environment.iter().copied());
    executables(command).with_context(|| format!("cannot build {package} for {}", arch.target()))
}
