//! What copies are of: memory that ends where nothing is mapped, so that reading on is a fault.

use core::slice;

use kpmem_runtime::{
    memory::{self, PAGE},
    paging::{self, Memory},
};

use super::place::Random;

/// Bytes of it: as many as the longest copy has.
pub const SOURCE: usize = 256 << 10;
/// Where it is mapped; what reads behind it is told by the address.
const WINDOW: usize = 0x20_0000_0000;

/// Random bytes of a seed.
pub fn filled(seed: u64) -> &'static [u8] {
    let mut random = Random(seed);
    for page in (0..SOURCE).step_by(PAGE) {
        // SAFETY: nobody else uses the window, and the page is this mapping's alone.
        unsafe { paging::map_page(WINDOW + page, memory::page() as u64, Memory::Normal) };
    }
    let start = core::ptr::with_exposed_provenance_mut(WINDOW);
    // SAFETY: mapped above, zeroed, and nobody else's.
    let bytes: &'static mut [u8] = unsafe { slice::from_raw_parts_mut(start, SOURCE) };
    bytes.fill_with(|| random.next() as u8);
    bytes
}

/// Where it is not what it was.
pub fn is_changed(source: &[u8], seed: u64) -> Option<usize> {
    let mut random = Random(seed);
    source.iter().position(|byte| *byte != random.next() as u8)
}
