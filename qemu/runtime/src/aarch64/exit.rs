//! Semihosting (Arm, "Semihosting for AArch32 and AArch64", `SYS_EXIT_EXTENDED`).

use core::arch::asm;

const SYS_EXIT_EXTENDED: u64 = 0x20;
const APPLICATION_EXIT: u64 = 0x20026;

/// Ends QEMU.
pub fn exit(code: u8) -> ! {
    let block = [APPLICATION_EXIT, code.into()];
    // SAFETY: QEMU reads the block and ends.
    unsafe {
        asm!("hlt #0xf000", in("x0") SYS_EXIT_EXTENDED, in("x1") &raw const block, options(nostack));
    }
    loop {
        core::hint::spin_loop();
    }
}
