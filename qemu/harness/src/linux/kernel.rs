//! A kernel for virtual machines, downloaded and unpacked with what its modules are built with.

use super::headers;
use crate::{
    process,
    setup::unpacked::{Package, unpacked},
};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where kernels are taken from: Debian 12 itself, and the newest that its backports have.
pub const SUITES: [&str; 2] = ["bookworm", "bookworm-backports"];

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

    /// Its release, such as 6.1.0-50-cloud-amd64.
    pub fn release(&self) -> String {
        let name = self.image.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        name.trim_start_matches("vmlinuz-").to_owned()
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

    /// A shell and its tools, in one program without libraries.
    pub fn busybox(&self) -> Result<Vec<u8>> {
        fs::read(self.root.join("bin/busybox")).context("there is no busybox")
    }

    /// One of its modules, by its path without `.ko`.
    pub fn module(&self, path: &str) -> Result<Vec<u8>> {
        let modules = self.root.join("lib/modules").join(self.release());
        let file = modules.join(format!("kernel/{path}.ko"));
        if file.is_file() {
            return Ok(fs::read(file)?);
        }
        let packed = file.with_extension("ko.xz");
        if !packed.is_file() {
            bail!("Linux {} has no module {path}", self.release());
        }
        let output = process::output_of(Command::new("xz").arg("-dc").arg(&packed))?;
        ensure!(
            output.status.success(),
            "cannot unpack {}",
            packed.display()
        );
        Ok(output.stdout)
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
