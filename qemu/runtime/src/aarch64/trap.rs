//! Exceptions (Arm ARM, "AArch64 Exception model").
//!
//! No handler ever returns to what it interrupted: it ends QEMU or unwinds to a probe. So nothing
//! is saved. Interrupts stay masked, which an exception does not change.

use crate::{stack, trap::Trap};
use core::arch::{asm, global_asm, naked_asm};

global_asm!(
    r#"
    .section .text.traps, "ax"
    .balign 2048
    .global kpmem_vectors
kpmem_vectors:
    .rept 16
    .balign 128
    mrs x0, tpidr_el1           // this CPU's stack for handlers
    mov sp, x0
    bl {trap}
    .endr
"#,
    trap = sym trap,
);

/// Data Abort from the same exception level.
const DATA_ABORT: u64 = 0x25;

/// The exception classes that one meets (Arm ARM, "ESR_EL1").
fn name(class: u64) -> &'static str {
    match class {
        0x00 => "undefined instruction",
        0x07 => "FP or SIMD access",
        0x0e => "illegal execution state",
        0x15 => "supervisor call",
        0x18 => "system register access",
        0x21 => "instruction abort",
        0x22 => "misaligned pc",
        0x25 => "data abort",
        0x26 => "misaligned stack",
        0x2f => "SError",
        0x3c => "breakpoint",
        _ => "exception",
    }
}

extern "C" fn trap() -> ! {
    let (syndrome, address, pc): (u64, usize, usize);
    // SAFETY: reads registers.
    unsafe {
        asm!(
            "mrs {}, esr_el1",
            "mrs {}, far_el1",
            "mrs {}, elr_el1",
            out(reg) syndrome,
            out(reg) address,
            out(reg) pc,
            options(nomem, nostack, preserves_flags),
        );
    }
    let class = syndrome >> 26 & 0x3f;
    crate::trap::handle(Trap {
        name: name(class),
        pc,
        address,
        syndrome,
        memory_fault: class == DATA_ABORT,
    })
}

/// Installs the exception handlers on the CPU with this number.
pub fn init(cpu: usize) {
    // SAFETY: the vectors are complete.
    unsafe {
        asm!(
            "adrp {table}, kpmem_vectors",
            "add {table}, {table}, :lo12:kpmem_vectors",
            "msr vbar_el1, {table}",
            "msr tpidr_el1, {stack}",
            "isb",
            table = out(reg) _,
            stack = in(reg) stack::trap_top(cpu),
            options(nomem, nostack, preserves_flags),
        );
    }
}

/// Calls `f(ptr, len)`. Returns 0, or 1 when [`unwind`] was called with what it stored in `probe`.
///
/// # Safety
/// As the function called demands; `f` must hold nothing that an unwind would leak.
#[unsafe(naked)]
pub unsafe extern "C" fn probe(
    ptr: *const u8,
    len: usize,
    f: unsafe extern "C" fn(*const u8, usize),
    probe: *mut usize,
) -> usize {
    naked_asm!(
        "stp x29, x30, [sp, #-96]!",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "mov x4, sp",
        "str x4, [x3]",
        "blr x2",
        "mov x0, #0",
        "2:",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp x29, x30, [sp], #96",
        "ret",
        // Where `unwind` lands, with the stack as it was at the call.
        ".global kpmem_unwound",
        "kpmem_unwound:",
        "mov x0, #1",
        "b 2b",
    )
}

/// Returns from the [`probe`] that stored `probe`.
///
/// # Safety
/// That probe must not have returned.
pub unsafe fn unwind(probe: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe { asm!("mov sp, {}", "b kpmem_unwound", in(reg) probe, options(noreturn)) }
}
