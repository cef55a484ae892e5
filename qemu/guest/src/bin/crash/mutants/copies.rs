//! Copies that people get wrong.

use core::marker::PhantomData;

use kpmem::{Flags, Granularity, Instruction, Primitives, Table};

use super::{
    BySize,
    native::{self, Correct},
};

/// What is wrong.
pub mod bug {
    pub const TAIL_NOT_FLUSHED: u8 = 0;
    pub const SOURCE_FLUSHED: u8 = 1;
    pub const WORDS_IN_HALVES: u8 = 2;
    pub const EDGES_NOT_FLUSHED: u8 = 3;
    pub const FENCE_MISSING: u8 = 4;
    pub const ZEROED_BLOCKS_NOT_FLUSHED: u8 = 5;
}

/// A copy with a bug; flags are ignored, so that it always should be durable.
struct Wrong<const BUG: u8, const LINE: usize>(PhantomData<Correct>);

// SAFETY: none: this is the bug. The workloads that use it store nothing that must last.
unsafe impl<const BUG: u8, const LINE: usize> Primitives for Wrong<BUG, LINE> {
    const NAME: &'static str = Correct::NAME;
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;

    unsafe fn flush(ptr: *const u8, len: usize) {
        // SAFETY: the caller's.
        unsafe { kpmem::Lines::<Correct, LINE>::flush(ptr, len) }
    }

    fn drain() {
        Correct::drain();
    }

    unsafe fn memmove(dest: *mut u8, src: *const u8, len: usize, _: Flags) {
        if len == 0 {
            return;
        }
        // SAFETY: the caller's.
        unsafe {
            store::<BUG>(dest, src, len);
            match BUG {
                bug::TAIL_NOT_FLUSHED => Self::flush(dest, len / LINE * LINE),
                bug::SOURCE_FLUSHED => Self::flush(src, len),
                // The words in the middle need no flush where they went past the cache, or it is
                // forgotten.
                bug::EDGES_NOT_FLUSHED => {}
                _ => Self::flush(dest, len),
            }
        }
        if BUG != bug::FENCE_MISSING {
            Self::drain();
        }
    }

    unsafe fn memset(dest: *mut u8, byte: u8, len: usize, _: Flags) {
        let start = dest.addr().next_multiple_of(BLOCK) - dest.addr();
        let blocks = if byte == 0 {
            len.saturating_sub(start) / BLOCK
        } else {
            0
        };
        let middle = if blocks > 0 {
            start..start + blocks * BLOCK
        } else {
            0..0
        };
        // SAFETY: the caller's; whole blocks are inside the range.
        unsafe {
            for at in (0..len).filter(|at| !middle.contains(at)) {
                dest.add(at).write_volatile(byte);
            }
            for at in middle.clone().step_by(BLOCK) {
                native::zero(dest.add(at));
            }
            if BUG == bug::ZEROED_BLOCKS_NOT_FLUSHED {
                Self::flush(dest, middle.start);
                Self::flush(dest.add(middle.end), len - middle.end);
            } else {
                Self::flush(dest, len);
            }
        }
        Self::drain();
    }
}

/// Bytes that an instruction zeroes at once on the CPUs that this is tried on.
const BLOCK: usize = 64;

/// Stores in ascending or descending order, whole words where `dest` is aligned.
///
/// # Safety
/// As for [`Primitives::memmove`].
unsafe fn store<const BUG: u8>(dest: *mut u8, src: *const u8, len: usize) {
    let aligned = |at: usize| dest.wrapping_add(at).addr().is_multiple_of(8) && at + 8 <= len;
    let down = dest.addr().wrapping_sub(src.addr()) < len;
    // SAFETY: the caller's; `at` stays below `len`.
    let piece = |at: usize, whole: bool| unsafe {
        let (to, from) = (dest.add(at), src.add(at));
        if !whole {
            return to.write_volatile(from.read_volatile());
        }
        let word = from.cast::<u64>().read_unaligned();
        match BUG {
            bug::WORDS_IN_HALVES => {
                to.cast::<u32>().write_volatile(word as u32);
                to.cast::<u32>().add(1).write_volatile((word >> 32) as u32);
            }
            bug::EDGES_NOT_FLUSHED | bug::FENCE_MISSING => {
                native::store_past_the_cache(to.cast(), word)
            }
            _ => to.cast::<u64>().write_volatile(word),
        }
    };
    if down {
        (0..len).rev().for_each(|at| piece(at, false));
        return;
    }
    let mut at = 0;
    while at < len {
        let whole = aligned(at);
        piece(at, whole);
        at += if whole { 8 } else { 1 };
    }
}

const fn by_size<const BUG: u8>() -> BySize {
    [
        Table::of::<Wrong<BUG, 16>>(),
        Table::of::<Wrong<BUG, 32>>(),
        Table::of::<Wrong<BUG, 64>>(),
        Table::of::<Wrong<BUG, 128>>(),
        Table::of::<Wrong<BUG, 256>>(),
    ]
}

pub static MUTANTS: &[(&str, BySize)] = &[
    (
        "copy-tail-not-flushed",
        by_size::<{ bug::TAIL_NOT_FLUSHED }>(),
    ),
    ("copy-source-flushed", by_size::<{ bug::SOURCE_FLUSHED }>()),
    (
        "copy-words-in-halves",
        by_size::<{ bug::WORDS_IN_HALVES }>(),
    ),
    (
        "copy-edges-not-flushed",
        by_size::<{ bug::EDGES_NOT_FLUSHED }>(),
    ),
    ("copy-fence-missing", by_size::<{ bug::FENCE_MISSING }>()),
    (
        "zeroed-blocks-not-flushed",
        by_size::<{ bug::ZEROED_BLOCKS_NOT_FLUSHED }>(),
    ),
];
