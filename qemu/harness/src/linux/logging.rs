//! A Linux that boots with the module and runs one of our scripts: the machine for it.

use super::{
    initramfs::Initramfs,
    kernel::Kernel,
    module::{Build, Module},
};
use crate::{
    arch::Arch,
    image::Image,
    machine::{Linux, Machine, RAM},
    toolchain::{Toolchain, executables},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Modules that find an NVDIMM, in the order in which they want to be loaded.
const MODULES: [&str; 3] = [
    "drivers/nvdimm/libnvdimm",
    "drivers/acpi/nfit/nfit",
    "drivers/nvdimm/nd_btt",
];

/// Modules that scripts load: for the block device, and for memory of `memmap=`.
const LOADED: [&str; 2] = ["nd_pmem", "nd_e820"];

/// What a guest does, by the script that its first process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Appends until its power is cut, or looks what is there.
    Power,
    /// Appends a few records under the crash simulator.
    Simulated,
    /// Tries what the module must refuse.
    Checks,
}

impl Script {
    fn name(self) -> &'static str {
        match self {
            Self::Power => "power.sh",
            Self::Simulated => "simulated.sh",
            Self::Checks => "checks.sh",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Power => include_str!("guest/power.sh"),
            Self::Simulated => include_str!("guest/simulated.sh"),
            Self::Checks => include_str!("guest/checks.sh"),
        }
    }
}

/// The machine that boots it, with this module in each of these builds.
pub fn machine(kernel: &Kernel, script: Script, modules: &[(Build, Module)]) -> Result<Machine> {
    let mut initramfs = Initramfs::new(kernel, include_str!("guest/init.sh"), &MODULES)?
        .with(script.name(), script.text().as_bytes())
        .with("appender", &fs::read(appender()?)?);
    for name in LOADED {
        let content = kernel.module(&format!("drivers/nvdimm/{name}"))?;
        initramfs = initramfs.with(&format!("{name}.ko"), &content);
    }
    for (build, module) in modules {
        let name = format!("{}.ko", build.name());
        initramfs = initramfs.with(&name, &fs::read(&module.file)?);
    }
    let mut machine = Machine::new(Arch::X86_64);
    machine.linux = Some(Linux {
        initramfs: Arc::new(Image::of(&initramfs.archive()?)?),
        ram: RAM,
        tree: None,
        // Not a word of the kernel's comes between ours.
        parameters: format!(
            "console=ttyS0 loglevel=0 panic=-1 nokaslr script={}",
            script.name()
        ),
    });
    Ok(machine)
}

/// Builds the process that appends, the first time: a program without libraries.
fn appender() -> Result<PathBuf> {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = &*built {
        return Ok(file.clone());
    }
    let mut build = Toolchain::active()?.cargo("build");
    build.args(["--release", "--package", "kpmem-appender"]);
    build.args(["--target", TARGET]);
    build.env(
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
        "-C target-feature=+crt-static -C strip=symbols",
    );
    let file = executables(build)?
        .remove("appender")
        .context("kpmem-appender has no program called appender")?;
    Ok(built.insert(file).clone())
}
