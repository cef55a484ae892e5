//! Functions that nobody brought along. The harness gives each missing name an entry of this table;
//! who calls it ends the run, and the entry's number says who was called.

/// How many names there may be.
#[cfg(target_os = "none")]
const ENTRIES: usize = 2048;

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
core::arch::global_asm!(
    ".section .text.kpmem_judge_stubs, \"ax\"",
    ".globl kpmem_judge_stubs",
    "kpmem_judge_stubs:",
    ".rept {entries}",
    "call 1f",
    ".balign 8",
    ".endr",
    "1: mov rdi, [rsp]",
    "jmp {missing}",
    entries = const ENTRIES,
    missing = sym missing,
);

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
core::arch::global_asm!(
    ".section .text.kpmem_judge_stubs, \"ax\"",
    ".globl kpmem_judge_stubs",
    "kpmem_judge_stubs:",
    ".rept {entries}",
    "bl 1f",
    ".balign 8",
    ".endr",
    "1: mov x0, x30",
    "b {missing}",
    entries = const ENTRIES,
    missing = sym missing,
);

#[cfg(all(target_os = "none", target_arch = "riscv64"))]
core::arch::global_asm!(
    ".section .text.kpmem_judge_stubs, \"ax\"",
    ".option push",
    ".option norvc",
    ".option norelax",
    ".globl kpmem_judge_stubs",
    "kpmem_judge_stubs:",
    ".rept {entries}",
    "jal ra, 1f",
    ".balign 8",
    ".endr",
    "1: mv a0, ra",
    "tail {missing}",
    ".option pop",
    entries = const ENTRIES,
    missing = sym missing,
);

#[cfg(target_os = "none")]
extern "C" fn missing(after: usize) -> ! {
    unsafe extern "C" {
        static kpmem_judge_stubs: u8;
    }
    let start = (&raw const kpmem_judge_stubs).addr();
    panic!("missing function {} was called", (after - start) / 8);
}
