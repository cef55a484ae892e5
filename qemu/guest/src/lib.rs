//! The test kernels are programs on `kpmem-runtime`; this holds what the guest of `cargo xtask
//! judge` does, so that nothing is compiled again when it is linked with other functions.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(not(target_os = "none"), allow(dead_code))] // nothing is judged on the host

#[cfg(feature = "judge")]
pub mod judge;
