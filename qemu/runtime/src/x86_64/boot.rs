//! From QEMU's direct boot to Rust: 32-bit protected mode without paging, then long mode.
//!
//! QEMU finds the entry in an ELF note and jumps there with the address of the start info in `ebx`
//! (Xen, "x86/HVM direct boot ABI"). Long mode cannot be had without paging (Intel SDM volume 3,
//! "Initializing IA-32e Mode"), so the first GiB is mapped by constant tables until the kernel
//! makes its own.

use crate::stack::{self, STACKS};
use core::arch::global_asm;

global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18              // name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad _start

    .section .text.boot, "ax"
    .code32
    .global _start
_start:
    cld
    mov edi, ebx                // first argument of the 64-bit entry
    mov esi, offset {start}
    mov esp, offset {stacks} + {first_top}
to_long_mode:
    mov eax, cr4
    or eax, 1 << 5              // PAE
    mov cr4, eax
    mov eax, offset boot_pml4
    mov cr3, eax
    mov ecx, 0xc0000080         // EFER
    rdmsr
    or eax, 1 << 8              // LME
    wrmsr
    mov eax, 0x80010019         // PG, PE, ET; caches on; WP: read-only in ring 0 too;
                                // TS: x87 and MMX are traps, too
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    mov eax, offset long_mode
    push 8
    push eax
    retf                        // loads the 64-bit code segment

    .code64
long_mode:
    xor eax, eax                // ring 0 runs with null data segments
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov edi, edi                // clears the upper halves
    mov esi, esi
    mov esp, esp
    xor ebp, ebp
    call rsi
    ud2

    // The second CPU starts in real mode, in a copy of this in low memory.
    .code16
    .global kpmem_second_start
kpmem_second_start:
    jmp 2f
    .org kpmem_second_start + 8
    .word 63
    .long kpmem_gdt
2:  cli
    cld
    mov ax, cs
    mov ds, ax
    // Operands of 32 bits, here and at the far jump: the assembler drops the prefix.
    .byte 0x66
    lgdt [8]                    // what stands above
    mov eax, cr0
    or al, 1                    // PE
    mov cr0, eax
    .byte 0x66, 0xea
    .long second_protected
    .word 48
    .global kpmem_second_start_end
kpmem_second_start_end:

    .code32
second_protected:
    mov eax, 56
    mov ds, eax
    mov ss, eax
    mov esi, offset {second}
    mov esp, offset {stacks} + {second_top}
    jmp to_long_mode
    .code64

    .section .data.boot, "aw"
    .balign 8
    .global kpmem_gdt
kpmem_gdt:
    .quad 0
    .quad 0x00af9a000000ffff    // 64-bit code, ring 0
    .quad 0, 0, 0, 0            // room for the task state segments of two CPUs
    .quad 0x00cf9a000000ffff    // 32-bit code and data, for the second CPU on its way
    .quad 0x00cf92000000ffff
boot_gdt_pointer:
    .word 63
    .quad kpmem_gdt

    .balign 4096
boot_pml4:
    .quad boot_pdpt + 3         // present, writable
    .fill 511, 8, 0
boot_pdpt:
    .quad boot_pd + 3
    .fill 511, 8, 0
boot_pd:
    .set page, 0
    .rept 512
    .quad page + 0x83           // present, writable, 2 MiB
    .set page, page + 0x200000
    .endr
"#,
    start = sym crate::start,
    second = sym crate::smp::enter,
    stacks = sym STACKS,
    first_top = const stack::top(0),
    second_top = const stack::top(1),
);
