//! Exceptions (RISC-V Privileged Architecture, "Supervisor-Level ISA").
//!
//! No handler ever returns to what it interrupted: it ends QEMU or unwinds to a probe. So nothing
//! is saved. Interrupts stay disabled.

use crate::{stack, trap::Trap};
use core::arch::{asm, global_asm, naked_asm};

global_asm!(
    r#"
    .section .text.traps, "ax"
    .balign 4                   // the low bits of stvec are a mode
    .global kpmem_trap
kpmem_trap:
    csrr sp, sscratch           // this hart's stack for handlers
    call {trap}
"#,
    trap = sym trap,
);

const NAMES: [&str; 16] = [
    "misaligned pc",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "misaligned load",
    "load access fault",
    "misaligned store",
    "store access fault",
    "call from U-mode",
    "call from S-mode",
    "reserved",
    "call from M-mode",
    "instruction page fault",
    "load page fault",
    "reserved",
    "store page fault",
];
const LOAD_PAGE_FAULT: u64 = 13;
const STORE_PAGE_FAULT: u64 = 15;

extern "C" fn trap() -> ! {
    let (cause, address, pc): (u64, usize, usize);
    // SAFETY: reads registers.
    unsafe {
        asm!(
            "csrr {}, scause",
            "csrr {}, stval",
            "csrr {}, sepc",
            out(reg) cause,
            out(reg) address,
            out(reg) pc,
            options(nomem, nostack, preserves_flags),
        );
    }
    crate::trap::handle(Trap {
        name: NAMES.get(cause as usize).copied().unwrap_or("interrupt"),
        pc,
        address,
        syndrome: cause,
        memory_fault: matches!(cause, LOAD_PAGE_FAULT | STORE_PAGE_FAULT),
    })
}

/// Installs the exception handlers on the hart with this number.
pub fn init(cpu: usize) {
    // SAFETY: the handler is complete.
    unsafe {
        asm!(
            "la {vector}, kpmem_trap",
            "csrw stvec, {vector}",
            "csrw sscratch, {stack}",
            vector = out(reg) _,
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
        "addi sp, sp, -112",
        "sd ra, 0(sp)",
        "sd s0, 8(sp)",
        "sd s1, 16(sp)",
        "sd s2, 24(sp)",
        "sd s3, 32(sp)",
        "sd s4, 40(sp)",
        "sd s5, 48(sp)",
        "sd s6, 56(sp)",
        "sd s7, 64(sp)",
        "sd s8, 72(sp)",
        "sd s9, 80(sp)",
        "sd s10, 88(sp)",
        "sd s11, 96(sp)",
        "sd sp, 0(a3)",
        "jalr a2",
        "li a0, 0",
        "2:",
        "ld ra, 0(sp)",
        "ld s0, 8(sp)",
        "ld s1, 16(sp)",
        "ld s2, 24(sp)",
        "ld s3, 32(sp)",
        "ld s4, 40(sp)",
        "ld s5, 48(sp)",
        "ld s6, 56(sp)",
        "ld s7, 64(sp)",
        "ld s8, 72(sp)",
        "ld s9, 80(sp)",
        "ld s10, 88(sp)",
        "ld s11, 96(sp)",
        "addi sp, sp, 112",
        "ret",
        // Where `unwind` lands, with the stack as it was at the call.
        ".global kpmem_unwound",
        "kpmem_unwound:",
        "li a0, 1",
        "j 2b",
    )
}

/// Returns from the [`probe`] that stored `probe`.
///
/// # Safety
/// That probe must not have returned.
pub unsafe fn unwind(probe: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe { asm!("mv sp, {}", "j kpmem_unwound", in(reg) probe, options(noreturn)) }
}
