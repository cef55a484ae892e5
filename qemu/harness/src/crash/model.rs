//! The sizes that the simulator must know of a CPU: of a line, and of what `dc zva` zeroes.
//!
//! They follow from QEMU's CPU model, and a kernel that isn't ours can't be asked for them. QEMU
//! is, before the kernel runs: that takes it a tenth of a second.

use super::plan::{CPUS, Cpu};
use crate::{arch::Arch, process};
use anyhow::{Context, Result, anyhow, bail};
use kpmem::firmware::fdt::DeviceTree;
use std::{fs, process::Command, time::Duration};

/// QEMU may take this long to answer.
const LIMIT: Duration = Duration::from_secs(20);

/// What a CPU model has, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// A line; `None` if it has no instruction that writes one back (RISC-V without Zicbom).
    pub line: Option<usize>,
    /// What `dc zva` zeroes; `None` elsewhere than on Arm.
    pub zva: Option<usize>,
}

/// The CPU of a model, with the lines that it has; `line` is what is expected of it.
pub fn cpu(arch: Arch, model: &str, line: Option<usize>) -> Result<Cpu> {
    let sizes = sizes(arch, model)?;
    if let (Some(asked), Some(is)) = (line, sizes.line)
        && asked != is
    {
        bail!("QEMU's {arch} CPU {model} has lines of {is} bytes, not of {asked}");
    }
    let like = CPUS.iter().find(|cpu| cpu.arch == arch && cpu.line == 64);
    let like = *like.with_context(|| format!("no CPU is planned for {arch}"))?;
    Ok(Cpu {
        line: sizes.line.or(line).unwrap_or(like.line),
        zva: sizes.zva.unwrap_or(like.zva),
        ..like
    })
}

/// Asks QEMU. An error has its own words, if it has any.
pub fn sizes(arch: Arch, model: &str) -> Result<Sizes> {
    let sizes = match arch {
        // QEMU's CPUID says 64 for every model (leaf 1, EBX bits 15 to 8: in units of 8 bytes),
        // and judges the name when the kernel runs.
        Arch::X86_64 => Sizes {
            line: Some(64),
            zva: None,
        },
        Arch::Aarch64 => by_registers(model)?,
        Arch::Riscv64 => by_device_tree(model)?,
    };
    match sizes.line {
        Some(line) if !line.is_power_of_two() || !(16..=4096).contains(&line) => {
            bail!("QEMU's {arch} CPU {model} has lines of {line} bytes: no simulator knows them")
        }
        _ => Ok(sizes),
    }
}

/// The device tree that QEMU would hand to the kernel (RISC-V CPU bindings); nothing is booted.
fn by_device_tree(model: &str) -> Result<Sizes> {
    let folder = tempfile::tempdir().context("cannot make a directory for a device tree")?;
    let blob = folder.path().join("dtb");
    let machine = format!("virt,dumpdtb={}", blob.display());
    let (status, said) = ask(Arch::Riscv64, &machine, model, &[])?;
    let blob = match fs::read(blob) {
        Ok(blob) if status == 0 => blob,
        _ => bail!("QEMU has no CPU {model} for this machine: {said}"),
    };
    let tree = DeviceTree::parse(&blob);
    let tree = tree.map_err(|error| anyhow!("QEMU's device tree: {error}"))?;
    if !tree.harts().all(|hart| hart.bits() == Some(64)) {
        bail!("QEMU's CPU {model} has no 64-bit instructions");
    }
    Ok(Sizes {
        line: common(&tree),
        zva: None,
    })
}

/// The block size that all harts say, whatever it is, if all have the instruction.
fn common(tree: &DeviceTree<'_>) -> Option<usize> {
    let mut sizes = tree
        .harts()
        .map(|hart| hart.clean.filter(|_| hart.has(b"zicbom")));
    let first = sizes.next()??;
    sizes
        .all(|size| size == Some(first))
        .then_some(first as usize)
}

/// Runs this in the place of firmware: it ends QEMU by semihosting's `SYS_EXIT_EXTENDED` with a
/// status of `CTR_EL0.DminLine` and, four bits higher, `DCZID_EL0.BS`, both of which count words
/// of 4 bytes by their logarithm (Arm ARM, "CTR_EL0" and "DCZID_EL0").
const FIRMWARE: [u32; 15] = [
    0xea00_000a, // ands x10, x0, x0        in A32: a branch to the last three words
    0xd53b_0022, // mrs  x2, ctr_el0
    0xd53b_00e3, // mrs  x3, dczid_el0
    0xd350_4c42, // ubfx x2, x2, #16, #4
    0xb37c_0c62, // bfi  x2, x3, #4, #4
    0xd280_04c1, // mov  x1, #0x26
    0xf2a0_0041, // movk x1, #2, lsl #16    0x20026: the application has ended
    0xd2a8_8004, // mov  x4, #0x44000000    RAM
    0xa900_0881, // stp  x1, x2, [x4]
    0xaa04_03e1, // mov  x1, x4
    0x5280_0400, // mov  w0, #0x20
    0xd45e_0000, // hlt  #0xf000
    0xe3a0_0018, // mov  r0, #0x18          A32: SYS_EXIT
    0xe3a0_1000, // mov  r1, #0             not the application's end: status 1
    0xef12_3456, // svc  #0x123456
];

fn by_registers(model: &str) -> Result<Sizes> {
    let folder = tempfile::tempdir().context("cannot make a directory for a firmware")?;
    let file = folder.path().join("firmware");
    fs::write(&file, FIRMWARE.map(u32::to_le_bytes).concat()).context("cannot write a firmware")?;
    let bios = file.display().to_string();
    let (status, said) = ask(
        Arch::Aarch64,
        "virt",
        model,
        &["-semihosting", "-bios", &bios],
    )?;
    match status {
        1 if said.is_empty() => bail!("QEMU's CPU {model} has no 64-bit instructions"),
        1 => bail!("QEMU has no CPU {model} for this machine: {said}"),
        _ => Ok(Sizes {
            line: Some(4 << (status & 15)),
            zva: Some(4 << (status >> 4 & 15)),
        }),
    }
}

/// QEMU's exit status, and what it said.
fn ask(arch: Arch, machine: &str, model: &str, further: &[&str]) -> Result<(i32, String)> {
    let mut command = Command::new(arch.qemu());
    command.args(["-nodefaults", "-no-user-config", "-display", "none"]);
    command
        .args(["-machine", machine, "-cpu", model])
        .args(further);
    let output = process::output_within(&mut command, LIMIT)?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let status = output.status.code();
    Ok((status.with_context(|| format!("QEMU died: {said}"))?, said))
}
