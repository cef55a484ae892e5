//! From reset to Rust: QEMU's generic loader starts the boot CPU at the ELF's entry, at EL1, with
//! the MMU off. Nothing is handed over.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.boot, "ax"
    .global _start
_start:
    adrp x0, kpmem_stack_top
    mov sp, x0
    mov x0, xzr
    mov x29, xzr
    b {start}

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .global kpmem_stack_guard
kpmem_stack_guard:              // unmapped later: an overflow is a trap
    .skip 4096
    .skip 65536
kpmem_stack_top:
    .skip 16384
    .global kpmem_trap_stack_top
kpmem_trap_stack_top:           // handlers have their own, for when the stack is the trouble
"#,
    start = sym crate::start,
);
