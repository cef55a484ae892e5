//! A kernel for virtual machines, downloaded and unpacked with what its modules are built with.

use super::{headers, modules};
use crate::{
    arch::Arch,
    setup::unpacked::{Package, unpacked, unpacked_for},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where kernels for modules of our own are taken from: Debian 12 itself, and the newest that its
/// backports have.
pub const SUITES: [&str; 2] = ["bookworm", "bookworm-backports"];

/// All releases that a kernel may be of. Debian 12's for 64-bit Arm keeps no description of the
/// pages of persistent memory, and there is none for RISC-V.
pub const ALL_SUITES: [&str; 3] = ["bookworm", "bookworm-backports", "trixie"];

/// One kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    root: PathBuf,
    image: PathBuf,
}

impl Kernel {
    /// Downloads it, where it isn't there.
    pub fn get(suite: &'static str) -> Result<Self> {
        ensure!(
            cfg!(target_arch = "x86_64"),
            "the kernels are taken for x86_64 only"
        );
        let packages = [
            Package::named_by(suite, "linux-image-cloud-amd64"),
            Package {
                with: &["linux-headers-", "linux-kbuild-"],
                ..Package::named_by(suite, "linux-headers-cloud-amd64")
            },
            Package::of(SUITES[0], "busybox-static"),
        ];
        let root = unpacked(&format!("linux-{suite}"), &packages)?;
        headers::settle(&root)?;
        let image = one(&root.join("boot"), "vmlinuz-")?;
        Ok(Self { root, image })
    }

    /// One for a guest of this instruction set; by default the oldest that will do. Headers come
    /// with it: later ones may be another kernel's.
    pub fn for_guest(arch: Arch, suite: Option<&'static str>) -> Result<Self> {
        let (suite, image, headers) = match arch {
            // The same files as for our own modules.
            Arch::X86_64 if suite != Some(ALL_SUITES[2]) => {
                return Self::get(suite.unwrap_or(SUITES[0]));
            }
            Arch::X86_64 => (
                suite,
                "linux-image-cloud-amd64",
                "linux-headers-cloud-amd64",
            ),
            Arch::Aarch64 => (
                suite,
                "linux-image-cloud-arm64",
                "linux-headers-cloud-arm64",
            ),
            Arch::Riscv64 => (suite, "linux-image-riscv64", "linux-headers-riscv64"),
        };
        let suite = suite.unwrap_or(ALL_SUITES[2]);
        let packages = [
            Package::named_by(suite, image),
            Package {
                with: &["linux-headers-"],
                ..Package::named_by(suite, headers)
            },
            Package::of(suite, "busybox-static"),
        ];
        let name = format!("linux-{suite}-{}", arch.debian());
        let root = unpacked_for(arch, &name, &packages)
            .with_context(|| format!("no Linux of {suite} for {arch}"))?;
        headers::settle(&root)?;
        let boot = root.join("boot");
        let image = one(&boot, "vmlinuz-").or_else(|_| one(&boot, "vmlinux-"))?;
        Ok(Self { root, image })
    }

    /// Its release, such as 6.1.0-50-cloud-amd64.
    pub fn release(&self) -> String {
        let name = self.image.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let name = name.trim_start_matches("vmlinuz-");
        name.trim_start_matches("vmlinux-").to_owned()
    }

    /// What to boot.
    pub fn image(&self) -> &Path {
        &self.image
    }

    /// Where its modules are built from.
    pub fn headers(&self) -> PathBuf {
        let name = format!("linux-headers-{}", self.release());
        self.root.join("usr/src").join(name)
    }

    /// Whether it was built with an option, called without `CONFIG_`.
    pub fn has(&self, option: &str) -> Result<bool> {
        let file = self.root.join("boot/config-").display().to_string() + &self.release();
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
        let line = format!("CONFIG_{option}=y");
        Ok(text.lines().any(|it| it == line))
    }

    /// A shell and its tools, in one program without libraries.
    pub fn busybox(&self) -> Result<Vec<u8>> {
        let places = ["bin", "usr/bin"].map(|folder| self.root.join(folder).join("busybox"));
        let place = places.iter().find(|place| place.is_file());
        fs::read(place.unwrap_or(&places[0])).context("there is no busybox")
    }

    /// The folder of its modules.
    pub(super) fn modules(&self) -> PathBuf {
        let release = self.release();
        let places = ["lib", "usr/lib"].map(|it| self.root.join(it).join("modules").join(&release));
        let [place, other] = places;
        if place.is_dir() { place } else { other }
    }

    /// One of its modules, by its path without `.ko`.
    pub fn module(&self, path: &str) -> Result<Vec<u8>> {
        let file = self.modules().join(format!("kernel/{path}.ko"));
        let packed = file.with_extension("ko.xz");
        let found = [file, packed].into_iter().find(|file| file.is_file());
        let why = || format!("Linux {} has no module {path}", self.release());
        modules::content(&found.with_context(why)?)
    }
}

/// The one file of a folder whose name begins so.
pub(super) fn one(folder: &Path, prefix: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    let mut files = entries.flatten().map(|entry| entry.path());
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(prefix)
    };
    let found = files.find(ours);
    found.with_context(|| format!("no {prefix}* in {}", folder.display()))
}
