//! What firmware says about persistent memory.
//!
//! Readers of ACPI tables and device trees over plain bytes: no allocation, no panic, every access
//! bounds-checked, so that they can run first thing in a kernel and be tested on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod acpi;
pub mod device_tree;
pub mod nfit;
pub mod table_loader;

mod bytes;
mod error;

pub use error::Error;

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub base: u64,
    /// Length in bytes.
    pub len: u64,
}
