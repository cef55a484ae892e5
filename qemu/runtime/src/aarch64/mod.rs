//! aarch64: EL1 with the MMU on, loaded into RAM by QEMU's generic loader.

mod boot;

pub mod cpu;
pub mod discover;
pub mod exit;
pub mod fw_cfg;
pub mod mmu;
pub mod serial;
pub mod smp;
pub mod trap;

/// The name in the boot line.
pub const NAME: &str = "aarch64";
