//! The boards that Linux boots on where there is no firmware with an NFIT: memory, and a device
//! tree that calls a part of it persistent.

use crate::{arch::Arch, image::Image, machine::Machine, process};
use anyhow::{Context, Result, anyhow, bail};
use dtoolkit::{
    fdt::Fdt,
    model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty},
};
use std::{fs, process::Command};

/// What follows the NVDIMM on RISC-V, in MiB: QEMU writes the device tree at the end of memory.
const END: u64 = 64;

/// QEMU's words for memory, of which node 1 is the object `nv`, of `size` bytes, behind `ram` MiB.
/// Each node must have a CPU on RISC-V.
pub(crate) fn memory(machine: &Machine, ram: u64, size: u64) -> Vec<String> {
    let nv = size >> 20;
    let words = match machine.arch {
        // Its NVDIMM is a device.
        Arch::X86_64 => return Vec::new(),
        Arch::Aarch64 => format!(
            "-m {}M -smp {smp} -object memory-backend-ram,id=ram,size={ram}M \
             -numa node,nodeid=0,cpus=0-{last},memdev=ram -numa node,nodeid=1,memdev=nv",
            ram + nv,
            smp = machine.smp,
            last = machine.smp - 1,
        ),
        Arch::Riscv64 => format!(
            "-m {}M -smp {} -object memory-backend-ram,id=ram,size={ram}M \
             -object memory-backend-ram,id=end,size={END}M -numa node,nodeid=0,memdev=ram \
             -numa node,nodeid=1,memdev=nv -numa node,nodeid=2,memdev=end",
            ram + nv + END,
            machine.smp.max(3),
        ),
    };
    words.split(' ').map(str::to_owned).collect()
}

/// Parameters without which Linux takes all of it for RAM (QEMU adds nodes for it to each device
/// tree on 64-bit Arm), or waits for CPUs that are there only for the nodes' sake.
pub(super) fn parameters(arch: Arch, smp: u32, ram: u64) -> String {
    match arch {
        Arch::X86_64 => String::new(),
        Arch::Aarch64 => format!(" mem={ram}M"),
        Arch::Riscv64 => format!(" maxcpus={smp}"),
    }
}

/// The device tree of this machine, in which the memory at `base` is persistent.
pub(super) fn tree(machine: &Machine, ram: u64, base: u64, size: u64) -> Result<Image> {
    let folder = tempfile::tempdir().context("cannot make a directory for a device tree")?;
    let file = folder.path().join("tree.dtb");
    let mut command = Command::new(machine.arch.qemu());
    command.arg("-machine");
    command.arg(format!("virt,dumpdtb={}", file.display()));
    command.args(["-nodefaults", "-no-user-config", "-display", "none"]);
    command.args(["-cpu", &machine.cpu]);
    command.args(["-object", &format!("memory-backend-ram,id=nv,size={size}")]);
    let output = process::output_of(command.args(memory(machine, ram, size)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("QEMU makes no device tree: {}", said.trim());
    }
    let bytes = fs::read(&file).context("QEMU made no device tree")?;
    Image::of(&persistent(&bytes, base, size)?)
}

/// The same device tree with a region of persistent memory in the place of the memory at `base`
/// (Linux, Documentation/devicetree/bindings/pmem/pmem-region.txt).
fn persistent(bytes: &[u8], base: u64, size: u64) -> Result<Vec<u8>> {
    let why = |error| anyhow!("a device tree that cannot be read: {error}");
    let fdt = Fdt::new(bytes).map_err(why)?;
    let mut tree = DeviceTree::from_fdt(&fdt);
    let memory = format!("memory@{base:x}");
    if tree.root.remove_child(&memory).is_none() {
        bail!("the device tree has no {memory}");
    }
    let mut node = DeviceTreeNode::new_unchecked(format!("pmem@{base:x}"));
    node.add_property(DeviceTreeProperty::new_unchecked(
        "compatible",
        "pmem-region",
    ));
    let reg = [base.to_be_bytes(), size.to_be_bytes()].concat();
    node.add_property(DeviceTreeProperty::new_unchecked("reg", reg));
    tree.root.add_child(node);
    Ok(tree.to_dtb())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dtoolkit::{Node, Property};

    #[test]
    fn memory_becomes_persistent() {
        let mut tree = DeviceTree::new();
        for name in ["memory@80000000", "memory@a0000000"] {
            tree.root.add_child(DeviceTreeNode::new(name).unwrap());
        }
        let bytes = tree.to_dtb();
        let made = persistent(&bytes, 0xa000_0000, 64 << 20).unwrap();
        let tree = DeviceTree::from_fdt(&Fdt::new(&made).unwrap());
        assert!(tree.find_node("/memory@80000000").is_some());
        assert!(tree.find_node("/memory@a0000000").is_none());
        let node = tree.find_node("/pmem@a0000000").unwrap();
        let reg = node.property("reg").unwrap();
        assert_eq!(
            reg.value(),
            [0, 0, 0, 0, 0xa0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]
        );
        // There is nothing to make persistent elsewhere.
        assert!(persistent(&bytes, 0xb000_0000, 64 << 20).is_err());
    }
}
