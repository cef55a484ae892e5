//! A kernel that lets its CPU be asked, or says once what it is: every checked call, by a map of
//! either granularity without a hook. What most programs link.
#![cfg_attr(target_os = "none", no_std, no_main)]

use kpmem::{Flags, Granularity, Map};
use kpmem_artefact::{calls::call_each, native};

/// Uses all that such a kernel would.
///
/// # Safety
/// Never called.
#[unsafe(no_mangle)]
unsafe extern "C" fn kpmem_entry(base: *mut u8, len: usize, source: &u8, bits: u32) -> usize {
    let granularity = if bits == 0 {
        Granularity::CacheLine
    } else {
        Granularity::Byte
    };
    // SAFETY: never called.
    unsafe {
        let source = core::slice::from_raw_parts(source, len);
        if kpmem::select(&native::GROUPS[0][0]).is_err() {
            return 0;
        }
        Map::new(base, len, granularity).map_or(0, |map| {
            call_each(&map, source, Flags::from_bits_retain(bits))
        })
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    // Never run; keeps what the bare-metal build exports in use.
    core::hint::black_box(kpmem_entry as *const u8);
}
