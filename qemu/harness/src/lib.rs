//! The host side of kpmem's tests: it builds the guest kernels, boots them in QEMU with an
//! emulated NVDIMM, cuts their power, compares and reports. `cargo xtask` is its command line.

pub mod arch;
pub mod artefact;
pub mod boot;
pub mod caller;
pub mod capi;
pub mod commands;
pub mod crash;
pub mod demo;
pub mod elf;
pub mod fixtures;
pub mod fuzz;
pub mod image;
pub mod judge;
pub mod linux;
pub mod machine;
pub mod msrv;
pub mod nfit;
pub mod page;
mod parallel;
pub mod process;
pub mod protocol;
pub mod publish;
pub mod report;
pub mod serial;
pub mod setup;
pub mod suites;
pub mod toolchain;
pub mod tools;
pub mod unikernel;
pub mod width;
pub mod witness;
pub mod workspace;
