//! Copies that people get wrong.

use kpmem::{Functions, Instruction, Lines, Primitives, Table};

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

/// Copies with a bug; flags are ignored, so that they always should be durable.
struct Wrong<const BUG: u8, const LINE: usize>;

type Right<const LINE: usize> = Lines<Correct, LINE>;

impl<const BUG: u8, const LINE: usize> Wrong<BUG, LINE> {
    const fn table() -> Table {
        let right = Table::of::<Right<LINE>>();
        let functions = Functions {
            memmove: Self::memmove,
            memset: Self::memset,
            ..right.functions()
        };
        // SAFETY: none: this is the bug. The workloads that use it store nothing that must last.
        unsafe { Table::from_functions(right.name(), right.granularity(), LINE, functions) }
    }

    unsafe extern "C" fn memmove(dest: *mut u8, src: *const u8, len: usize, _: u32) -> *mut u8 {
        if len == 0 {
            return dest;
        }
        // SAFETY: the caller's.
        unsafe {
            store::<BUG>(dest, src, len);
            match BUG {
                bug::TAIL_NOT_FLUSHED => Right::<LINE>::flush(dest, len / LINE * LINE),
                bug::SOURCE_FLUSHED => Right::<LINE>::flush(src, len),
                // The words in the middle need no flush where they went past the cache, or it is
                // forgotten.
                bug::EDGES_NOT_FLUSHED => {}
                _ => Right::<LINE>::flush(dest, len),
            }
        }
        if BUG != bug::FENCE_MISSING {
            Correct::drain();
        }
        dest
    }

    unsafe extern "C" fn memset(dest: *mut u8, c: i32, len: usize, _: u32) -> *mut u8 {
        let start = dest.addr().next_multiple_of(BLOCK) - dest.addr();
        let blocks = if c == 0 {
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
                dest.add(at).write_volatile(c as u8);
            }
            for at in middle.clone().step_by(BLOCK) {
                native::zero(dest.add(at));
            }
            if BUG == bug::ZEROED_BLOCKS_NOT_FLUSHED {
                Right::<LINE>::flush(dest, middle.start);
                Right::<LINE>::flush(dest.add(middle.end), len - middle.end);
            } else {
                Right::<LINE>::flush(dest, len);
            }
        }
        Correct::drain();
        dest
    }
}

/// Bytes that an instruction zeroes at once on the CPUs that this is tried on.
const BLOCK: usize = 64;

/// Stores in ascending or descending order, whole words where `dest` is aligned.
///
/// # Safety
/// As for [`kpmem::Map::memmove`].
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
        Wrong::<BUG, 16>::table(),
        Wrong::<BUG, 32>::table(),
        Wrong::<BUG, 64>::table(),
        Wrong::<BUG, 128>::table(),
        Wrong::<BUG, 256>::table(),
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
