//! A kernel that knows its instruction when it is compiled: every checked call, through a map that
//! is fixed at compile time, and nothing else.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem::{Fixed, Flags, Lines, Map};
use kpmem_artefact::{calls::call_each, native};

/// Uses all that such a kernel would.
///
/// # Safety
/// Never called.
#[unsafe(no_mangle)]
unsafe extern "C" fn kpmem_entry(base: *mut u8, len: usize, source: &u8, bits: u32) -> usize {
    // SAFETY: never called.
    unsafe {
        let map = Map::<Fixed<Lines<native::Best, 64>>>::fixed(base, len);
        let source = core::slice::from_raw_parts(source, len);
        map.map_or(0, |map| {
            call_each(&map, source, Flags::from_bits_retain(bits))
        })
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    // Never run; keeps what the bare-metal build exports in use.
    core::hint::black_box(kpmem_entry as *const u8);
}
