//! Whether a map keeps what is stored through it.

use crate::outcome::{Outcome, ensure, ensure_eq};
use core::slice;
use kpmem::{Error, Map, Tabled};
use kpmem_log::pattern;

/// A place in the NVDIMM that is only used as [`area`].
pub const AREA: usize = 1 << 20;

/// The NVDIMM from [`AREA`] on.
///
/// # Safety
/// The map must be of the whole NVDIMM, and earlier such slices must not be used any more.
pub unsafe fn area<'a, D: Tabled>(map: &Map<D>, len: usize) -> &'a mut [u8] {
    // SAFETY: inside the NVDIMM; only one case runs at a time.
    unsafe { slice::from_raw_parts_mut(map.address().add(AREA), len) }
}

/// Stores at some offsets and lengths, persists by each function, and reads back. A map of lines
/// can drop them from the cache, and keeps their bytes; another refuses.
pub fn check_content<D: Tabled>(map: &Map<D>, seed: u64) -> Outcome {
    for (offset, len) in [
        (0, 1),
        (1, 63),
        (5, 200),
        (63, 2),
        (4000, 300),
        (8191, 2),
        (0, 10_000),
    ] {
        // SAFETY: the last slice is out of use.
        let bytes = &mut unsafe { area(map, 16_384) }[offset..offset + len];
        bytes
            .iter_mut()
            .zip(pattern(seed + len as u64))
            .for_each(|(byte, value)| *byte = value);
        let ptr = bytes.as_ptr();
        map.persist(ptr, len)?;
        map.flush(ptr, len)?;
        map.drain()?;
        // SAFETY: the range is inside the map.
        unsafe {
            map.persist_fn()(ptr, len);
            map.flush_fn()(ptr, len);
            map.drain_fn()();
        }
        drop_lines(map, ptr, len)?;
        let same = bytes
            .iter()
            .copied()
            .eq(pattern(seed + len as u64).take(len));
        ensure!(same, "other content after {len} bytes at {offset}");
    }
    Ok(())
}

fn drop_lines<D: Tabled>(map: &Map<D>, ptr: *const u8, len: usize) -> Outcome {
    let dropped = map.writeback_invalidate(ptr, len);
    let Some(function) = map.table().writeback_invalidate_fn() else {
        ensure!(
            matches!(dropped, Err(Error::NotInvalidated { .. })),
            "{}: not refused but {dropped:?}",
            map.table().name()
        );
        return Ok(());
    };
    ensure_eq!(dropped, Ok(()));
    // SAFETY: the range is inside the map.
    unsafe { function(ptr, len) };
    Ok(())
}
