//! kpmem for C: what `include/kpmem.h` declares, and documents for its callers.
//!
//! `cargo xtask capi` makes the static library and puts it beside the headers. In it, nothing
//! allocates, nothing panics, and no symbol is wanted or defined but the API's.
//!
//! Every function takes what C gives: pointers are looked at before they are used. Those to
//! handles must have been made by the function that ends in `_init`; tables are known by
//! their addresses; and null is an error wherever something must be there.
//!
//! The header is written by hand. `tests/header.rs` compares it with what cbindgen makes of this
//! crate, so that neither can change without the other.
#![no_std]
#![allow(non_camel_case_types, reason = "C's names")]
#![allow(
    clippy::missing_safety_doc,
    reason = "kpmem.h says what callers must keep to"
)]

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
)))]
compile_error!("the C API is for x86_64, aarch64 and riscv64: no table of another CPU is known");

mod batch;
mod calls;
mod cpu;
mod deep;
mod error;
mod fixed;
mod functions;
mod handle;
mod harts;
mod hook;
mod map;
mod physical;
mod platform;
pub mod pmem2;
mod poison;
mod table;
#[cfg(feature = "device-tree")]
mod tree;
mod virtio;

pub use batch::*;
pub use calls::*;
pub use cpu::*;
pub use deep::*;
pub use error::*;
pub use fixed::*;
pub use functions::*;
pub use harts::*;
pub use hook::*;
pub use map::*;
pub use physical::*;
pub use platform::*;
pub use poison::*;
pub use table::*;
#[cfg(feature = "device-tree")]
pub use tree::*;
pub use virtio::*;

/// Never called: the artefact suite sees that nothing of the library reaches it.
#[cfg(all(feature = "standalone", panic = "abort"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
