//! The CPU, which only the device tree describes.

use core::arch::asm;
use kpmem::arch::{Cpu, Features};

/// What it can do for persistence; `block` is the cache-block size that firmware tells.
pub fn cpu(block: Option<usize>) -> Cpu {
    let features = if block.is_some() {
        Features::ZICBOM
    } else {
        Features::empty()
    };
    Cpu {
        features,
        line: block.unwrap_or(0),
    }
}

/// Lets another hart go on. QEMU does not switch harts at `pause`, but does at `wfi`, which returns
/// when an interrupt is pending (RISC-V Privileged Architecture, "Wait for Interrupt"): so one
/// always is. Interrupts are disabled, and it is never taken.
pub fn relax() {
    // SAFETY: changes nothing but registers that nobody else uses.
    unsafe {
        asm!(
            "csrsi sie, 2",
            "csrsi sip, 2",
            "wfi",
            options(nomem, nostack)
        );
    }
}
