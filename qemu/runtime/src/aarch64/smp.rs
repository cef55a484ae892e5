//! Starting the second CPU: by the firmware interface, which QEMU itself answers (Arm, "Power State
//! Coordination Interface", `CPU_ON`).

use core::arch::asm;

/// `CPU_ON` of the 64-bit calling convention.
const CPU_ON: u64 = 0xc400_0003;
/// The `virt` machine numbers its first eight CPUs by the lowest affinity field, MPIDR_EL1.Aff0.
const SECOND: u64 = 1;
const SUCCESS: i64 = 0;

unsafe extern "C" {
    static kpmem_second_start: u8;
}

/// Starts the second CPU at [`crate::smp::enter`].
///
/// # Safety
/// Once, with the address space complete.
pub unsafe fn start() {
    let result: i64;
    // SAFETY: the other CPU runs on a stack of its own. By the calling convention (Arm, "SMC
    // Calling Convention") the call changes nothing but x0 to x17. It is not `nomem`: what was
    // stored before is for the other CPU to see.
    unsafe {
        asm!(
            "dsb sy",
            // Without EL2 and EL3 the `virt` machine takes the calls by HVC.
            "hvc #0",
            inout("x0") CPU_ON => result,
            in("x1") SECOND,
            in("x2") &raw const kpmem_second_start,
            in("x3") 0,
            clobber_abi("C"),
        );
    }
    assert_eq!(result, SUCCESS, "PSCI does not start the second CPU");
}
