//! From reset to Rust: what firmware does in M-mode before a kernel runs, then S-mode (RISC-V
//! Privileged Architecture, "Machine-Level ISA"). The reset code gives the hart's number in `a0` and
//! the device tree's address in `a1`.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.boot, "ax"
    .global _start
_start:
    bnez a0, park
    la sp, kpmem_stack_top

    li t0, -1
    csrw pmpaddr0, t0           // S-mode may touch all memory,
    li t0, 0x1f
    csrw pmpcfg0, t0            // by one naturally aligned region
    li t0, -1
    csrw medeleg, t0            // all exceptions go to S-mode

    la t0, 1f
    csrw mtvec, t0              // a CPU without menvcfg has no cache-block instructions either
    li t0, 0xf0
    csrs 0x30a, t0              // menvcfg: CBIE, CBCFE, CBZE
    .balign 4
1:  la t0, park
    csrw mtvec, t0

    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x0800
    csrs mstatus, t0            // previous mode: S
    la t0, supervisor
    csrw mepc, t0
    mret

supervisor:
    mv a0, a1
    call {start}

    .balign 4
park:
    wfi
    j park

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
