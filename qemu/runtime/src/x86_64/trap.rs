//! Exceptions (Intel SDM volume 3, "Interrupt and Exception Handling").
//!
//! No handler ever returns to what it interrupted: it ends QEMU or unwinds to a probe. So nothing
//! is saved but what the CPU pushes. Interrupts stay disabled.

use crate::{memory, stack, trap::Trap};
use core::arch::{asm, global_asm, naked_asm};

const NAMES: [&str; 22] = [
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no FPU",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 error",
    "alignment check",
    "machine check",
    "SIMD error",
    "virtualization",
    "control protection",
];
const PAGE_FAULT: u64 = 14;

/// Bytes from one entry stub to the next.
const STUB: usize = 16;

global_asm!(
    r#"
    .section .text.traps, "ax"
    .balign 16
    .global kpmem_traps
kpmem_traps:
    .set vector, 0
    .rept 32
    .balign {stub}
    .if ((1 << vector) & 0x60227d00) == 0
    push 0                      // the CPU pushes an error code for the others
    .endif
    push vector
    jmp 2f
    .set vector, vector + 1
    .endr
2:  mov rdi, rsp
    and rsp, -16
    cld
    call {trap}
"#,
    trap = sym trap,
    stub = const STUB,
);

unsafe extern "C" {
    static kpmem_traps: u8;
    static mut kpmem_gdt: [u64; 8];
}

/// What the entry stub and the CPU push.
#[repr(C)]
struct Frame {
    vector: u64,
    error: u64,
    rip: u64,
}

extern "C" fn trap(frame: &Frame) -> ! {
    let address: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    crate::trap::handle(Trap {
        name: NAMES
            .get(frame.vector as usize)
            .copied()
            .unwrap_or("reserved"),
        pc: frame.rip as usize,
        address,
        syndrome: frame.error,
        memory_fault: frame.vector == PAGE_FAULT,
    })
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: *const Gate,
}

/// An interrupt gate.
type Gate = [u32; 4];

/// The gate that leads to the entry stub of a vector.
fn gate(vector: usize) -> Gate {
    let stub = (&raw const kpmem_traps).addr() + vector * STUB;
    let code_segment = 8 << 16;
    let present_interrupt_gate = 0x8e00;
    let first_interrupt_stack = 1;
    [
        (stub & 0xffff) as u32 | code_segment,
        (stub & 0xffff_0000) as u32 | present_interrupt_gate | first_interrupt_stack,
        (stub >> 32) as u32,
        0,
    ]
}

/// Has the CPU switch to the handlers' own stack, which a task state segment names.
fn set_stack(cpu: usize) {
    /// Bytes of a 64-bit task state segment, and where its first interrupt stack is.
    const SIZE: usize = 104;
    const STACK: usize = 36;
    // The segment's place in the descriptor table, by index.
    let descriptor = 2 + 2 * cpu;
    let segment = memory::allocate(SIZE, 16);
    segment[STACK..STACK + 8].copy_from_slice(&stack::trap_top(cpu).to_le_bytes());
    let base = segment.as_ptr().addr() as u64;
    let available_segment = 0x89 << 40;
    let low = base & 0xff_ffff;
    let high = base >> 24 & 0xff;
    let gdt = &raw mut kpmem_gdt;
    // SAFETY: the boot code left room in the table, and the selector is that place.
    unsafe {
        (*gdt)[descriptor] = high << 56 | available_segment | low << 16 | (SIZE as u64 - 1);
        (*gdt)[descriptor + 1] = base >> 32;
        asm!("ltr {:x}", in(reg) descriptor * 8, options(nostack, preserves_flags));
    }
}

/// Installs the exception handlers on the CPU with this number, and has vectors trap outside a
/// guard: until they are enabled, they trap anyway.
pub fn init(cpu: usize) {
    set_stack(cpu);
    let gates = memory::allocate(size_of::<[Gate; 32]>(), 16).as_mut_ptr();
    let gates = gates.cast::<[Gate; 32]>();
    // SAFETY: memory of our own, of that size and alignment.
    unsafe { gates.write(core::array::from_fn(gate)) };
    let pointer = Pointer {
        limit: size_of::<[Gate; 32]>() as u16 - 1,
        base: gates.cast(),
    };
    // SAFETY: the table is complete and stays.
    unsafe {
        asm!("lidt [{}]", in(reg) &raw const pointer, options(readonly, nostack, preserves_flags));
    }
    #[cfg(feature = "vectors")]
    crate::vectors::init();
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
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8", // keeps the stack aligned for the call
        "mov [rcx], rsp",
        "call rdx",
        "xor eax, eax",
        "3:",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
        // Where `unwind` lands, with the stack as it was at the call.
        ".global kpmem_unwound",
        "kpmem_unwound:",
        "mov eax, 1",
        "jmp 3b",
    )
}

/// Returns from the [`probe`] that stored `probe`.
///
/// # Safety
/// That probe must not have returned.
pub unsafe fn unwind(probe: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!("mov rsp, {}", "jmp kpmem_unwound", in(reg) probe, options(noreturn));
    }
}
