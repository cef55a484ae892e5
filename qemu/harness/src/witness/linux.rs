//! Debian's kernel, booted on a machine of which it is to speak.

use super::{initramfs, sysfs::Testimony};
use crate::{
    arch::Arch,
    boot::Vm,
    machine::Machine,
    serial::NoLine,
    setup::unpacked::{Package, unpacked},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A boot takes some seconds; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(120);

const PACKAGES: [Package; 2] = [
    Package {
        name: "linux-image-cloud-amd64",
        suite: "bookworm",
        meta: true,
    },
    Package {
        name: "busybox-static",
        suite: "bookworm",
        meta: false,
    },
];

/// The kernel and its file system.
#[derive(Clone, Debug)]
pub struct Linux {
    kernel: PathBuf,
    initramfs: PathBuf,
}

impl Linux {
    /// Downloads it, where it isn't there.
    pub fn get() -> Result<Self> {
        let root = unpacked("linux", &PACKAGES)?;
        let initramfs = root.join("initramfs.cpio");
        fs::write(&initramfs, initramfs::archive(&root)?)?;
        let kernel = kernel(&root.join("boot"))?;
        Ok(Self { kernel, initramfs })
    }

    /// Its release.
    pub fn release(&self) -> String {
        let name = self.kernel.file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        name.trim_start_matches("vmlinuz-").to_owned()
    }

    /// Boots it on the machine of these arguments, and hears what it says of it.
    pub fn hear(&self, mut argv: Vec<String>) -> Result<Testimony> {
        let (kernel, initramfs) = (&self.kernel, &self.initramfs);
        let more = [
            "-no-reboot -accel tcg -cpu max -serial stdio -kernel",
            &kernel.display().to_string(),
            "-initrd",
            &initramfs.display().to_string(),
            "-append",
        ];
        argv.extend(more[0].split(' ').map(str::to_owned));
        argv.extend(more[1..].iter().map(|&word| word.to_owned()));
        // Not a word of the kernel's comes between ours.
        argv.push("console=ttyS0 loglevel=0 panic=-1 nokaslr mitigations=off".to_owned());
        let mut vm = Vm::start(&Machine::new(Arch::X86_64), &argv, &[])?;
        let deadline = Instant::now() + LIMIT;
        let mut lines = Vec::new();
        loop {
            match vm.line(deadline) {
                Ok(line) if line.text == "end" => return Ok(Testimony::new(lines)),
                Ok(line) => lines.push(line.text),
                Err(NoLine::TimedOut) => bail!("Linux did not come to its end: {lines:?}"),
                Err(NoLine::Closed) => {
                    let end = vm.run(Duration::ZERO, |_| {})?;
                    bail!("Linux died: {end}: {lines:?}");
                }
            }
        }
    }
}

fn kernel(boot: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(boot)?.flatten().map(|entry| entry.path());
    let is_kernel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with("vmlinuz-")
    };
    files.find(is_kernel).context("the package has no kernel")
}
