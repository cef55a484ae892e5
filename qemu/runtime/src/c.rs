//! The runtime for a kernel in C: `entry!(extern "C" my_kernel)` calls
//! `void my_kernel(const struct kpmem_machine *)`, which `include/kpmem_runtime.h` declares beside
//! the functions here.
//!
//! The Rust side of such a kernel is that one line, in a program that the C objects are linked with
//! (`cargo:rustc-link-arg` of its build script), or in a static library (`crate-type =
//! ["staticlib"]`) for a linker that is given the script of `DEP_KPMEM_RUNTIME_LINK_SCRIPT`.

use crate::{Machine as Full, console::Console, exit};
use core::{
    ffi::{CStr, c_char, c_int},
    fmt::Write,
    ptr::null_mut,
    slice,
};

/// What a kernel in C is told about its machine: `struct kpmem_machine`.
#[repr(C)]
#[derive(Debug)]
pub struct Machine {
    /// First byte of the NVDIMM, mapped write-back; null if there is none.
    pub nvdimm: *mut u8,
    /// Its bytes.
    pub size: usize,
    /// Cache-block size in bytes, where the firmware tells it (RISC-V), else 0.
    pub block: usize,
    /// The whole of it, for `kpmem_runtime_number`.
    full: *const Full,
}

impl From<&Full> for Machine {
    fn from(full: &Full) -> Self {
        let (nvdimm, size) = match full.nvdimm {
            Ok(_) => (full.address(), full.size()),
            Err(_) => (null_mut(), 0),
        };
        Self {
            nvdimm,
            size,
            block: full.block.unwrap_or(0),
            full,
        }
    }
}

/// Prints `len` bytes of text. What is no UTF-8 is left out.
///
/// # Safety
/// `text` is that long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_runtime_write(text: *const u8, len: usize) {
    // SAFETY: the caller's.
    let bytes = unsafe { slice::from_raw_parts(text, len) };
    for chunk in bytes.utf8_chunks() {
        // The console never fails.
        let _ = Console.write_str(chunk.valid());
    }
}

/// The value of a parameter of this boot as a number, or `missing`.
///
/// # Safety
/// `machine` is what the kernel was called with, and `key` ends with a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_runtime_number(
    machine: *const Machine,
    key: *const c_char,
    missing: u64,
) -> u64 {
    // SAFETY: the caller's; what the kernel was called with outlives it.
    let (full, key) = unsafe { (&*(*machine).full, CStr::from_ptr(key)) };
    let number = |key| full.args.number(key);
    key.to_str().ok().and_then(number).unwrap_or(missing)
}

/// Whether a parameter of this boot has this value.
///
/// # Safety
/// As for [`kpmem_runtime_number`]; `value` ends with a zero byte, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_runtime_is(
    machine: *const Machine,
    key: *const c_char,
    value: *const c_char,
) -> c_int {
    // SAFETY: the caller's; what the kernel was called with outlives it.
    let (full, key, value) = unsafe {
        let full = &*(*machine).full;
        (full, CStr::from_ptr(key), CStr::from_ptr(value))
    };
    let found = key.to_str().ok().and_then(|key| full.args.get(key));
    found
        .is_some_and(|found| found.as_bytes() == value.to_bytes())
        .into()
}

/// Ends QEMU: [`exit`].
#[unsafe(no_mangle)]
pub extern "C" fn kpmem_runtime_exit(code: u8) -> ! {
    exit(code)
}
