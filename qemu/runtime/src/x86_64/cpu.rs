//! The CPU, which CPUID describes.

use kpmem::arch::Cpu;

/// What it can do for persistence; `block` is the cache-block size that firmware tells.
pub fn cpu(_: Option<usize>) -> Cpu {
    Cpu::detect()
}

/// Lets another CPU go on.
pub fn relax() {
    core::hint::spin_loop();
}
