//! kpmem's own functions under C names, as a kernel in C would link them.
#![cfg_attr(target_os = "none", no_std)]

use kpmem::{Flags, Table, arch::Cpu};

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

fn table() -> &'static Table {
    #[cfg(not(target_arch = "riscv64"))]
    let cpu = Cpu::detect();
    // What firmware would say.
    #[cfg(target_arch = "riscv64")]
    let cpu = Cpu {
        features: kpmem::arch::Features::ZICBOM,
        line: 64,
    };
    cpu.table().unwrap_or(&kpmem::BYTE)
}

/// # Safety
/// `len` bytes at `ptr` must be mapped write-back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn right_persist(ptr: *const u8, len: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe { table().persist_fn()(ptr, len) }
}

/// # Safety
/// As [`right_persist`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn right_flush(ptr: *const u8, len: usize) {
    // SAFETY: the caller vouches for the range.
    unsafe { table().flush_fn()(ptr, len) }
}

/// # Safety
/// None of its own: the function's type is the table's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn right_drain() {
    // SAFETY: it takes nothing.
    unsafe { table().drain_fn()() }
}

/// # Safety
/// As C's `memmove`; the destination must be mapped write-back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn right_memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both.
    unsafe { table().memmove_fn()(to, from, len, Flags::empty().bits()) }
}

/// # Safety
/// As C's `memset`; the destination must be mapped write-back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn right_memset(to: *mut u8, value: i32, len: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the range.
    unsafe { table().memset_fn()(to, value, len, Flags::empty().bits()) }
}
