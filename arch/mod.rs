//! The instruction sets: one file each, all with the same shape.
//!
//! Each offers its instructions (types that implement [`Instruction`](crate::Instruction)), their
//! `static` tables by line size, [`store_fence`], and [`detect`], which picks a table by what the
//! CPU reports. For copies: its stores (types that implement [`Stores`](crate::tuning::Stores)),
//! and `LineCopies`, `ByteCopies` and `PlainCopies`, which choose among them at each granularity. A
//! further instruction set is one new file and its line here.
//!
//! This page is that of the target that it was made for. On docs.rs:
//! [x86_64](https://docs.rs/kpmem/latest/kpmem/arch/),
//! [aarch64](https://docs.rs/kpmem/latest/aarch64-unknown-none-softfloat/kpmem/arch/),
//! [riscv64](https://docs.rs/kpmem/latest/riscv64gc-unknown-none-elf/kpmem/arch/).
//!
//! ```
//! use kpmem::arch;
//!
//! arch::store_fence(); // what byte granularity drains by
//! match arch::detect() {
//!     Ok(table) => assert_eq!(table.granularity(), kpmem::Granularity::CacheLine),
//!     Err(_) => {} // RISC-V, for one, cannot be asked: see `Cpu`
//! }
//! ```
#![cfg_attr(target_arch = "x86_64", doc = include_str!("x86_64/tables.md"))]
#![cfg_attr(target_arch = "aarch64", doc = include_str!("aarch64/tables.md"))]
#![cfg_attr(target_arch = "riscv64", doc = include_str!("riscv64/tables.md"))]

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )),
    path = "generic.rs"
)]
mod native;

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod unaligned;

pub use native::*;
pub(crate) use native::{UNALIGNED_STORES, detect_byte, load_block, load_word, prepare};
