//! A small bare-metal runtime, for kernels that are tested in QEMU.
//!
//! It brings x86_64 (ring 0), aarch64 (EL1) or riscv64 (S-mode) up with paging on, finds the NVDIMM
//! and calls the kernel. A whole one:
//!
//! ```ignore
//! #![cfg_attr(target_os = "none", no_std, no_main)]
//!
//! use kpmem_guest::{Machine, println};
//!
//! kpmem_guest::entry!(kernel);
//!
//! fn kernel(machine: &Machine) {
//!     println!("{} bytes of persistent memory", machine.size());
//! }
//! ```
//!
//! Returning ends QEMU with exit code 0, a panic with 2, an unexpected trap with 3. Floating point
//! and vectors are off: such an instruction is a trap, but inside the guard of `vectors`.
//!
//! A package of its own needs this `build.rs` beside it:
//!
//! ```ignore
//! fn main() {
//!     println!("cargo:rustc-link-arg=-Tkpmem-guest.ld");
//!     println!("cargo:rustc-link-arg=--no-pie");
//! }
//! ```
//!
//! The kernel runs on one CPU. Where the machine has a second one, [`smp::start`] runs functions
//! there.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // nothing traps on the host

pub mod console;
pub mod firmware;
#[cfg(feature = "judge")]
pub mod judge;
pub mod machine;
pub mod memory;
pub mod paging;
pub mod smp;
pub mod trap;
#[cfg(target_arch = "x86_64")]
pub mod vectors;

mod fatal;
mod fw_cfg;
mod mmio;
mod stack;
mod start;

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub use arch::pci;
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

/// Ends QEMU: 0 is success.
pub fn exit(code: u8) -> ! {
    arch::exit::exit(code)
}
