//! From reset to Rust: QEMU's generic loader starts the boot CPU at the ELF's entry, at EL1, with
//! the MMU off. Nothing is handed over.

use crate::stack::{self, STACKS};
use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.boot, "ax"
    .global _start
_start:
    adrp x0, {stacks} + {first_top}
    mov sp, x0
    mov x0, xzr
    mov x29, xzr
    b {start}

    .global kpmem_second_start
kpmem_second_start:             // where PSCI starts the second CPU, in the same state
    adrp x0, {stacks} + {second_top}
    mov sp, x0
    mov x29, xzr
    b {second}
"#,
    start = sym crate::start,
    second = sym crate::smp::enter,
    stacks = sym STACKS,
    first_top = const stack::top(0),
    second_top = const stack::top(1),
);
