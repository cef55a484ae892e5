//! Every checked call of a map.

use core::sync::atomic::AtomicU64;

use kpmem::{Dispatch, Flags, Map};

/// Calls each once, and counts those that did what they should.
///
/// # Safety
/// Never called: programs that do are only looked at.
pub unsafe fn call_each<D: Dispatch>(map: &Map<D>, source: &[u8], flags: Flags) -> usize {
    let (dest, len) = (map.address(), source.len());
    // SAFETY: never called.
    let results = unsafe {
        [
            map.persist(dest, 8),
            map.flush(dest, len),
            map.drain(),
            map.writeback_invalidate(dest, len),
            map.persist_slice(source),
            map.memmove(dest, source.as_ptr(), len, flags),
            map.memcpy(dest, source.as_ptr(), len, flags),
            map.memset(dest, 0, len, flags),
            map.copy_from_slice(dest, source),
            map.write(dest.cast::<u64>(), len as u64),
            map.store(AtomicU64::from_ptr(dest.cast()), len as u64),
            map.batch().finish(),
        ]
    };
    results.into_iter().filter(Result::is_ok).count()
}
