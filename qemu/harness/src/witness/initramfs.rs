//! The first and only file system of the witness: a shell, some modules, and what to print.

use anyhow::{Context, Result};
use cpio::newc::{Builder, trailer};
use std::{fs, path::Path};

const FILE: u32 = 0o100_755;
const DIRECTORY: u32 = 0o040_755;

/// Modules of the kernel, in the order in which they want to be loaded.
const MODULES: [&str; 3] = [
    "drivers/nvdimm/libnvdimm.ko",
    "drivers/acpi/nfit/nfit.ko",
    "drivers/cxl/cxl_acpi.ko",
];

/// Prints what [`Testimony`](super::sysfs::Testimony) reads. One process prints many files, as
/// processes are what takes time here.
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

/// The archive, made of the unpacked packages.
pub fn archive(root: &Path) -> Result<Vec<u8>> {
    let modules = root.join("lib/modules");
    let kernel = fs::read_dir(&modules)?.next().context("no modules")??;
    let mut archive = Vec::new();
    for name in ["bin", "dev", "modules", "proc", "sys"] {
        add(&mut archive, name, DIRECTORY, &[])?;
    }
    add(&mut archive, "init", FILE, INIT.as_bytes())?;
    let busybox = fs::read(root.join("bin/busybox"))?;
    add(&mut archive, "bin/busybox", FILE, &busybox)?;
    for (order, module) in MODULES.iter().enumerate() {
        let content = fs::read(kernel.path().join("kernel").join(module))
            .with_context(|| format!("the kernel has no {module}"))?;
        add(&mut archive, &format!("modules/{order}.ko"), FILE, &content)?;
    }
    Ok(trailer(archive)?)
}

fn add(archive: &mut Vec<u8>, name: &str, mode: u32, content: &[u8]) -> Result<()> {
    let file = Builder::new(name).mode(mode);
    let mut writer = file.write(archive, u32::try_from(content.len())?);
    std::io::Write::write_all(&mut writer, content)?;
    writer.finish()?;
    Ok(())
}
