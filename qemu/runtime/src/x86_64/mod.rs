//! x86_64: ring 0 in long mode, booted by the PVH note.

mod boot;
mod port;

pub mod cpu;
pub mod discover;
pub mod exit;
pub mod fw_cfg;
pub mod mmu;
#[cfg(feature = "virtio")]
pub mod pci;
pub mod serial;
pub mod smp;
pub mod trap;

/// The name in the boot line.
pub const NAME: &str = "x86_64";
