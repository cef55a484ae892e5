//! What QEMU leaves to the firmware, for kernels that boot without one.
//!
//! No allocation, no panic, every access bounds-checked, so that it can run first thing in a kernel
//! and be tested on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod table_loader;

mod bytes;
mod error;

pub use error::Error;
