//! What compiled code for Linux may use and kernels here do not: vector and floating-point
//! registers, and the register that thread-local data hangs on.

/// Thread-local data, and on x86 the stack protector's canary behind the pointer.
#[cfg(target_os = "none")]
static mut THREAD: [u64; 1024] = [0; 1024];

#[cfg(target_os = "none")]
fn thread() -> u64 {
    (&raw mut THREAD)
        .cast::<u64>()
        .wrapping_add(512)
        .expose_provenance() as u64
}

#[cfg(not(target_os = "none"))]
pub fn prepare() {}

/// Lets all of it be used.
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub fn prepare() {
    use core::arch::asm;
    use kpmem::arch::vector::Guard;
    use kpmem_guest::vectors::Lent;
    const FS_BASE: u32 = 0xc000_0100;
    let thread = thread();
    Lent::enter();
    // SAFETY: ring 0; nothing else uses FS.
    unsafe {
        asm!(
            "wrmsr",
            in("ecx") FS_BASE, in("eax") thread as u32, in("edx") (thread >> 32) as u32,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
pub fn prepare() {
    // SAFETY: EL1: CPACR_EL1.FPEN and ZEN; nothing else uses TPIDR_EL0.
    unsafe {
        core::arch::asm!(
            "mrs {0}, cpacr_el1", "orr {0}, {0}, {1}", "msr cpacr_el1, {0}", "isb",
            "msr tpidr_el0, {2}",
            out(reg) _, in(reg) 0x33_0000_u64, in(reg) thread(), options(nostack),
        );
    }
}

#[cfg(all(target_os = "none", target_arch = "riscv64"))]
pub fn prepare() {
    // SAFETY: S-mode: sstatus.FS; Rust code without threads does not use tp.
    unsafe {
        core::arch::asm!(
            "csrs sstatus, {0}", "mv tp, {1}",
            in(reg) 0x6000, in(reg) thread(), options(nostack),
        );
    }
}
