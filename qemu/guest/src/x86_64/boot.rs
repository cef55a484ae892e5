//! From QEMU's direct boot to Rust: 32-bit protected mode without paging, then long mode.
//!
//! QEMU finds the entry in an ELF note and jumps there with the address of the start info in `ebx`
//! (Xen, "x86/HVM direct boot ABI"). Long mode cannot be had without paging (Intel SDM volume 3,
//! "Initializing IA-32e Mode"), so the first GiB is mapped by constant tables until the kernel
//! makes its own.

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
    mov esp, offset kpmem_stack_top
    mov edi, ebx                // first argument of the 64-bit entry
    mov eax, cr4
    or eax, 1 << 5              // PAE
    mov cr4, eax
    mov eax, offset boot_pml4
    mov cr3, eax
    mov ecx, 0xc0000080         // EFER
    rdmsr
    or eax, 1 << 8              // LME
    wrmsr
    mov eax, cr0
    or eax, 0x80010000          // PG, and WP: read-only means read-only in ring 0 too
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
    mov edi, edi                // clears the upper half
    mov esp, offset kpmem_stack_top
    xor ebp, ebp
    call {start}
    ud2

    .section .data.boot, "aw"
    .balign 8
    .global kpmem_gdt
kpmem_gdt:
    .quad 0
    .quad 0x00af9a000000ffff    // 64-bit code, ring 0
    .quad 0, 0                  // room for a task state segment
boot_gdt_pointer:
    .word 31
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
