//! Debian's kernels, booted in QEMU: as a witness of what firmware says, and as the home of a
//! module that keeps a log in persistent memory.

pub mod checks;
pub mod guest;
pub mod headers;
pub mod initramfs;
pub mod kernel;
pub mod module;
pub mod outcome;
pub mod simulated;
