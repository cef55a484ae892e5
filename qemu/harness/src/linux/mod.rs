//! Debian's kernels, booted in QEMU: as a witness of what firmware says, as the home of a
//! module that keeps a log in persistent memory, and as one that runs programs.

pub(crate) mod board;
pub mod checks;
pub mod console;
pub mod crash;
pub mod cross;
pub mod evidence;
pub mod files;
pub mod guest;
pub mod headers;
pub mod initramfs;
pub mod kernel;
pub mod libraries;
pub mod logging;
pub mod mariadb;
mod mkfs;
pub mod module;
pub mod modules;
pub mod nvdimm;
pub mod outcome;
mod program;
pub mod simulated;
pub mod tree;
