//! What compiled code for Linux may use and kernels here do not: vector and floating-point
//! registers, and the register that thread-local data hangs on.

#[cfg(target_os = "none")]
use super::thread;

#[cfg(not(target_os = "none"))]
pub fn prepare() {}

/// Lets all of it be used.
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub fn prepare() {
    use core::arch::asm;
    use kpmem::arch::vector::Guard;
    use kpmem_runtime::vectors::Lent;
    // FS, and GS for kernels, which have the canary there.
    const BASES: [u32; 2] = [0xc000_0100, 0xc000_0101];
    let thread = thread::pointer();
    Lent::enter();
    for base in BASES {
        // SAFETY: ring 0; nothing else uses FS and GS.
        unsafe {
            asm!(
                "wrmsr",
                in("ecx") base, in("eax") thread as u32, in("edx") (thread >> 32) as u32,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
pub fn prepare() {
    // SAFETY: EL1: CPACR_EL1.FPEN and ZEN; nothing else uses TPIDR_EL0, and SP_EL0, where
    // kernels have the canary.
    unsafe {
        core::arch::asm!(
            "mrs {0}, cpacr_el1", "orr {0}, {0}, {1}", "msr cpacr_el1, {0}", "isb",
            "msr tpidr_el0, {2}", "msr sp_el0, {2}",
            out(reg) _, in(reg) 0x33_0000_u64, in(reg) thread::pointer(), options(nostack),
        );
    }
}

#[cfg(all(target_os = "none", target_arch = "riscv64"))]
pub fn prepare() {
    // SAFETY: S-mode: sstatus.FS and VS; Rust code without threads does not use tp.
    unsafe {
        core::arch::asm!(
            "csrs sstatus, {0}", "mv tp, {1}",
            in(reg) 0x6600, in(reg) thread::pointer(), options(nostack),
        );
    }
}
