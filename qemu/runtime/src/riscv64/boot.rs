//! From reset to Rust: what firmware does in M-mode before a kernel runs, then S-mode (RISC-V
//! Privileged Architecture, "Machine-Level ISA"). The reset code gives the hart's number in `a0`
//! and the device tree's address in `a1`.

use crate::stack::{self, STACKS};
use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.boot, "ax"
    .global _start
_start:
    li t0, -1
    csrw pmpaddr0, t0           // S-mode may touch all memory,
    li t0, 0x1f
    csrw pmpcfg0, t0            // by one naturally aligned region
    li t0, -1
    csrw medeleg, t0            // all exceptions go to S-mode,
    li t0, 2
    csrw mideleg, t0            // and so does its software interrupt

    la t0, 1f
    csrw mtvec, t0              // a CPU without menvcfg has no cache-block instructions either
    li t0, 0xf0
    csrs 0x30a, t0              // menvcfg: CBIE, CBCFE, CBZE
    .balign 4
1:  la t0, stuck
    csrw mtvec, t0

    li t0, 7
    csrw mcounteren, t0         // S-mode may read cycle, time and instret

    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x0800
    csrs mstatus, t0            // previous mode: S
    la t0, supervisor
    csrw mepc, t0
    beqz a0, 3f

    li t0, 1
    bne a0, t0, stuck           // a third hart has nothing to do
    li t0, 8
    csrw mie, t0                // the second one sleeps until a software interrupt
2:  wfi
    csrr t0, mip
    andi t0, t0, 8
    beqz t0, 2b
    csrw mie, zero              // which is only a signal: nothing handles it
3:  mret

supervisor:
    bnez a0, 4f
    la sp, {stacks} + {first_top}
    mv a0, a1
    call {start}
4:  la sp, {stacks} + {second_top}
    call {second}

    .balign 4
stuck:
    wfi
    j stuck
"#,
    start = sym crate::start,
    second = sym crate::smp::enter,
    stacks = sym STACKS,
    first_top = const stack::top(0),
    second_top = const stack::top(1),
);
