//! What Miri interprets: the library's raw pointers, on a target without instructions of its own.
#![cfg(miri)]

use kpmem::{BYTE, Flags};

#[test]
fn a_fill_and_a_copy_stay_in_their_ranges() {
    let mut memory = [0_u8; 256];
    let base = memory.as_mut_ptr();
    // SAFETY: both ranges are inside the array, which nothing else uses.
    unsafe {
        BYTE.memset_fn()(base.add(3), 0xa5, 100, Flags::empty().bits());
        BYTE.memmove_fn()(base.add(50), base.add(3), 100, Flags::empty().bits());
    }
    let filled = |at: usize| (3..150).contains(&at);
    assert!((0..256).all(|at| (memory[at] == 0xa5) == filled(at)));
}

/// Run by the harness, which must hear of it.
#[test]
#[ignore = "undefined behaviour on purpose"]
fn negative_control_is_reported() {
    let mut memory = [0_u8; 64];
    // SAFETY: none: one byte behind the array.
    unsafe { BYTE.memset_fn()(memory.as_mut_ptr().add(1), 0, 64, Flags::empty().bits()) };
}
