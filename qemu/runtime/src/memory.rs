//! Memory of the image that is handed out once and never taken back: page tables, firmware files,
//! pages for tests.

use core::{
    cell::UnsafeCell,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Bytes in a page.
pub const PAGE: usize = 4096;

/// Room for page tables, of which a few are needed, and everything else.
const SIZE: usize = 5 << 20;

#[repr(C, align(4096))]
struct Arena(UnsafeCell<[u8; SIZE]>);

// SAFETY: `allocate` hands out each byte once.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));
static USED: AtomicUsize = AtomicUsize::new(0);

/// Zeroed memory, aligned to a power of two up to the page size.
///
/// # Panics
/// There is no more: 5 MiB are there for all. Or `align` is none.
pub fn allocate(len: usize, align: usize) -> &'static mut [u8] {
    assert!(align.is_power_of_two() && align <= PAGE);
    // Plain load and store: one CPU at a time, and exclusives need the MMU on aarch64.
    let start = USED.load(Ordering::Relaxed).next_multiple_of(align);
    assert!(
        len <= SIZE - start,
        "out of memory: {len} bytes of the image's {SIZE} are not left"
    );
    USED.store(start + len, Ordering::Relaxed);
    // SAFETY: inside the arena, and nobody else gets these bytes.
    unsafe { core::slice::from_raw_parts_mut(ARENA.0.get().cast::<u8>().add(start), len) }
}

/// Bytes that are left.
pub(crate) fn left() -> usize {
    SIZE - USED.load(Ordering::Relaxed)
}

/// A zeroed page.
///
/// # Panics
/// As [`allocate`].
pub fn page() -> *mut u8 {
    allocate(PAGE, PAGE).as_mut_ptr()
}
