//! Which instruction set a built kernel is for.

use crate::arch::Arch;
use anyhow::{Context, Result, bail};
use std::{fs::File, io::Read, path::Path};

/// Reads the ELF header of `path`.
pub fn arch_of(path: &Path) -> Result<Arch> {
    let mut header = [0; 20];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .with_context(|| format!("cannot read the kernel {}", path.display()))?;
    // Magic, 64-bit, little-endian; e_machine is the half-word at 18.
    if header[..6] != *b"\x7fELF\x02\x01" {
        bail!("{} is not a 64-bit little-endian ELF file", path.display());
    }
    let machine = u16::from_le_bytes([header[18], header[19]]);
    Arch::from_elf_machine(machine).with_context(|| {
        format!(
            "{} is for ELF machine {machine}; known are x86_64, aarch64 and riscv64",
            path.display()
        )
    })
}
