//! riscv64: S-mode with Sv39 on, reached through a few lines of M-mode.

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
pub const NAME: &str = "riscv64";
