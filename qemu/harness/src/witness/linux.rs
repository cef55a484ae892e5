//! Debian's kernel, booted on a machine of which it is to speak.

use super::sysfs::Testimony;
use crate::{
    arch::Arch,
    boot::Vm,
    linux::{
        initramfs::Initramfs,
        kernel::{Kernel, SUITES},
    },
    machine::Machine,
    serial::NoLine,
    workspace,
};
use anyhow::{Result, bail};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A boot takes some seconds; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(120);

/// Modules of the kernel, in the order in which they want to be loaded.
const MODULES: [&str; 3] = [
    "drivers/nvdimm/libnvdimm",
    "drivers/acpi/nfit/nfit",
    "drivers/cxl/cxl_acpi",
];

/// Prints what [`Testimony`] reads. One process prints many files, as processes are what takes time
/// here.
const INIT: &str = r#"#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
for module in /modules/*; do $b insmod $module; done
nd=/sys/bus/nd/devices
$b grep -sH '' $nd/region*/size $nd/region*/resource $nd/region*/persistence_domain \
    $nd/region*/read_only $nd/region*/target_node $nd/region*/deep_flush $nd/region*/mapping? \
    $nd/nmem*/nfit/*
$b grep -sH -E 'Persistent Memory|CXL Window' /proc/iomem
$b dmesg | $b grep -E 'ACPI: SRAT: Node'
for table in NFIT CEDT SRAT; do
    file=/sys/firmware/acpi/tables/$table
    [ -f $file ] && echo "table $table $($b od -An -v -tx1 $file | $b tr -d ' \n')"
done
echo end
$b sleep 1000
"#;

/// The kernel and its file system.
#[derive(Clone, Debug)]
pub struct Linux {
    kernel: Kernel,
    initramfs: PathBuf,
}

impl Linux {
    /// Downloads it, where it isn't there.
    pub fn get() -> Result<Self> {
        let kernel = Kernel::get(SUITES[0])?;
        let archive = Initramfs::new(&kernel, INIT, &MODULES)?.archive()?;
        let initramfs = workspace::reports().join("packages/witness.cpio");
        fs::write(&initramfs, archive)?;
        Ok(Self { kernel, initramfs })
    }

    /// Its release.
    pub fn release(&self) -> String {
        self.kernel.release()
    }

    /// Boots it on the machine of these arguments, and hears what it says of it.
    pub fn hear(&self, mut argv: Vec<String>) -> Result<Testimony> {
        let more = [
            "-no-reboot -accel tcg -cpu max -serial stdio -kernel",
            &self.kernel.image().display().to_string(),
            "-initrd",
            &self.initramfs.display().to_string(),
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
