//! The vector registers of x86_64, as a kernel lends them: usable inside a guard, and a trap
//! anywhere else.
//!
//! Intel SDM volume 3, "Providing Operating System Support for Executing SSE/AVX Instructions", and
//! "Control Registers": with CR0.TS, a vector instruction is the exception "no FPU" (#NM).

use core::{
    arch::{asm, x86_64::__cpuid},
    sync::atomic::{AtomicUsize, Ordering},
};

use kpmem::arch::vector::Guard;

/// The guard.
#[derive(Debug)]
pub struct Lent;

static ENTERED: AtomicUsize = AtomicUsize::new(0);

impl Lent {
    /// How often the guard was entered.
    pub fn entered() -> usize {
        ENTERED.load(Ordering::Relaxed)
    }

    /// Whether vectors would be a trap now.
    pub fn is_out() -> bool {
        let cr0: usize;
        // SAFETY: ring 0; reads a register.
        unsafe { asm!("mov {}, cr0", out(reg) cr0, options(nomem, nostack, preserves_flags)) };
        cr0 & TASK_SWITCHED != 0
    }
}

/// CR0.TS.
const TASK_SWITCHED: usize = 1 << 3;

// SAFETY: nothing but what runs inside a guard uses vectors, and no trap handler returns to what it
// interrupted.
unsafe impl Guard for Lent {
    type State = ();

    fn enter() {
        ENTERED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: ring 0; the vectors were enabled by `init`.
        unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) }
    }

    fn leave((): ()) {
        // SAFETY: ring 0; the next vector instruction is a trap.
        unsafe {
            asm!(
                "mov {0}, cr0", "or {0}, {1}", "mov cr0, {0}",
                out(reg) _, const TASK_SWITCHED, options(nomem, nostack),
            );
        }
    }
}

/// Enables what vectors this CPU has, for guards only.
pub(crate) fn init() {
    const XSAVE: u32 = 1 << 26;
    const AVX: u32 = 1 << 28;
    let has = |bit| __cpuid(1).ecx & bit != 0;
    // SAFETY: ring 0; CR4.OSFXSR and OSXMMEXCPT, which every CPU in long mode has; OSXSAVE, and in
    // XCR0 the x87, SSE and AVX state, where CPUID reports them.
    unsafe {
        asm!("mov {0}, cr4", "or {0}, 0x600", "mov cr4, {0}", out(reg) _, options(nomem, nostack));
        if has(XSAVE) {
            asm!("mov {0}, cr4", "or {0}, 0x40000", "mov cr4, {0}", out(reg) _, options(nomem, nostack));
            let state = if has(AVX) { 0b111 } else { 0b11 };
            asm!("xsetbv", in("ecx") 0, in("eax") state, in("edx") 0, options(nomem, nostack, preserves_flags));
        }
    }
    Lent::leave(());
}
