//! What a small kernel needs before it can use [`kpmem`]: it brings x86_64 (ring 0), aarch64 (EL1)
//! or riscv64 (S-mode) up with paging on, finds the persistent memory that the firmware names, maps
//! it and calls the kernel. A whole one:
//!
//! ```
//! #![cfg_attr(target_os = "none", no_std, no_main)]
//!
//! use kpmem_runtime::{Machine, kpmem::{self, Granularity, Map}, println};
//!
//! kpmem_runtime::entry!(kernel);
//!
//! fn kernel(machine: &Machine) {
//!     let table = machine.cpu().table().expect("a CPU that can flush");
//!     // SAFETY: the CPU has the instruction, says its identification or the firmware.
//!     unsafe { kpmem::select(table) }.expect("the first to select");
//!     // SAFETY: the runtime mapped the NVDIMM write-back, and nothing else uses it.
//!     let map = unsafe { Map::new(machine.address(), machine.size(), Granularity::CacheLine) };
//!     let map = map.expect("a sound range");
//!     // SAFETY: the map's first word.
//!     unsafe { map.write(map.address().cast::<u64>(), 42) }.expect("durable");
//!     println!("42 is durable in {} bytes of persistent memory", map.size());
//! }
//! ```
//!
//! Its package has a `build.rs`, whose `main` links it as the runtime must be linked:
//!
//! ```
//! let args = std::env::var("DEP_KPMEM_RUNTIME_LINK_ARGS").unwrap_or_default();
//! args.split_whitespace().for_each(|arg| println!("cargo:rustc-link-arg={arg}"));
//! ```
//!
//! Without it the linker complains of undefined symbols, `kpmem_image_start` for one.
//!
//! Returning ends QEMU with exit code 0, a panic with 2, an unexpected trap with 3. Floating point
//! and vectors are off, x87 and MMX too: such an instruction is a trap, but inside the guard of
//! `vectors`.
//!
//! # The machine
//!
//! | | booted by | NVDIMM by | console | end |
//! |---|---|---|---|---|
//! | x86_64 | `-kernel`, by the PVH note | NFIT, from the RSDP in the start info | COM1 | `isa-debug-exit` at 0xf4 |
//! | aarch64 | `virt`'s generic loader, EL1 | NFIT, which it assembles as firmware would | PL011 | semihosting |
//! | riscv64 | `-bios none -kernel`, M-mode | the second memory node of the device tree | 16550 | `sifive_test` |
//!
//! The virtio-pmem devices of x86_64 are found and started by the module `virtio`. Parameters of a
//! boot are [`Args`](machine::Args), in `fw_cfg`. The kernel runs on one CPU; where the machine has
//! a second one, [`smp::start`] runs functions there. Memory that is needed for ever comes from
//! [`memory`], page tables from [`paging`]; a load or store that may fault is probed by [`trap`].
//!
//! It is made for QEMU's machines: on others, take [`start`]'s few lines and `arch/` for a pattern.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `panic-handler` | yes | a panic prints its message and ends QEMU; without it, bring your own |
//! | `virtio` | no | the module `virtio`, and kpmem's driver |
//! | `vectors` | no | x86_64: the module `vectors`, which lends the vector registers |
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // nothing traps on the host

pub mod c;
pub mod console;
pub mod firmware;
pub mod machine;
pub mod memory;
pub mod paging;
pub mod smp;
pub mod trap;
#[cfg(all(target_arch = "x86_64", feature = "vectors"))]
pub mod vectors;
#[cfg(feature = "virtio")]
pub mod virtio;

mod fatal;
mod fw_cfg;
mod mmio;
mod stack;
mod start;

pub use kpmem;
pub use machine::Machine;
pub use start::start;

// The one place that knows the architectures: each directory offers the same functions.
#[cfg_attr(
    all(target_os = "none", target_arch = "x86_64"),
    path = "x86_64/mod.rs"
)]
#[cfg_attr(
    all(target_os = "none", target_arch = "aarch64"),
    path = "aarch64/mod.rs"
)]
#[cfg_attr(
    all(target_os = "none", target_arch = "riscv64"),
    path = "riscv64/mod.rs"
)]
#[cfg_attr(not(target_os = "none"), path = "hosted.rs")]
mod arch;

/// Ends QEMU: 0 is success. QEMU's status is the code, but on x86_64 `code << 1 | 1`, where codes
/// of more than 127 count as 127.
pub fn exit(code: u8) -> ! {
    arch::exit::exit(code)
}
