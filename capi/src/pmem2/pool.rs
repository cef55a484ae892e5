//! Where maps live: a static array, and memory that the caller gives. To claim a place takes no
//! lock.

use core::{
    ffi::c_void,
    ptr::null_mut,
    slice,
    sync::atomic::{AtomicPtr, Ordering},
};

use super::map::Pmem2Map;

/// Maps at a time, before the caller gives memory: `KPMEM_PMEM2_MAPS`.
pub const MAPS: usize = 32;
/// What a map takes at most, in bytes: `KPMEM_PMEM2_MAP_SIZE`.
pub const MAP_SIZE: usize = 320;

const _: () = assert!(size_of::<Pmem2Map>() <= MAP_SIZE);

static OURS: [Pmem2Map; MAPS] = [const { Pmem2Map::new() }; MAPS];
static GIVEN: AtomicPtr<Chunk> = AtomicPtr::new(null_mut());

/// The head of memory that was given; its maps follow.
struct Chunk {
    next: *const Chunk,
    maps: &'static [Pmem2Map],
}

/// All places, used or not.
pub(super) fn all() -> impl Iterator<Item = &'static Pmem2Map> {
    let reference = |chunk: *const Chunk| {
        // SAFETY: null, or a chunk that was given for good and is not changed any more.
        unsafe { chunk.as_ref() }
    };
    let first = reference(GIVEN.load(Ordering::Acquire));
    let chunks = core::iter::successors(first, move |chunk| reference(chunk.next));
    OURS.iter().chain(chunks.flat_map(|chunk| chunk.maps))
}

/// Gives `size` bytes at `memory` for more maps, for good. Returns for how many: at least
/// `size / KPMEM_PMEM2_MAP_SIZE - 1`.
///
/// # Safety
/// The memory must be writable, and used by nobody else ever after.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_pmem2_give_memory(memory: *mut c_void, size: usize) -> usize {
    let head = memory.cast::<u8>();
    let skip = head.align_offset(align_of::<Chunk>().max(align_of::<Pmem2Map>()));
    let maps_at = size_of::<Chunk>().next_multiple_of(align_of::<Pmem2Map>());
    let taken = skip.saturating_add(maps_at);
    let count = size.saturating_sub(taken) / size_of::<Pmem2Map>();
    if count == 0 {
        return 0;
    }
    // SAFETY: head and maps lie in the memory, aligned, and nobody else uses it.
    let chunk = unsafe {
        let chunk = head.add(skip).cast::<Chunk>();
        let maps = head.add(taken).cast::<Pmem2Map>();
        for at in 0..count {
            maps.add(at).write(Pmem2Map::new());
        }
        let maps = slice::from_raw_parts(maps, count);
        let next = null_mut();
        chunk.write(Chunk { next, maps });
        chunk
    };
    let push = |first: *mut Chunk| {
        // SAFETY: nobody else has its address before it is pushed.
        unsafe { (*chunk).next = first };
        Some(chunk)
    };
    let _ = GIVEN.fetch_update(Ordering::AcqRel, Ordering::Acquire, push);
    count
}
