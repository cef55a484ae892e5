//! A range of persistent memory with the functions that make it durable.

mod functions;
mod make;

#[cfg(feature = "page")]
pub(crate) use make::range_of;

use core::fmt;

use crate::{Dispatch, Error, Granularity, Table, range::Span};

/// A range of persistent memory, its granularity, and the functions that make stores to it durable.
///
/// The functions are fixed when the map is made: complete, precomputed, the same at every call, so
/// callers may cache them. Those of byte and cache-line maps take no lock, allocate nothing, cannot
/// panic, and may be called on any CPU and in interrupt and NMI context. Those of page maps call
/// the caller's hook, wherever that may be called.
///
/// Any number of maps may cover a range.
///
/// ```
/// use kpmem::{Granularity, Map};
///
/// # let mut memory = vec![0_u64; 512];
/// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
/// // SAFETY: the range is mapped write-back on every CPU, and the platform has ADR.
/// let map = unsafe { Map::new(base, len, Granularity::CacheLine)? };
/// assert_eq!((map.address(), map.size()), (base, len));
/// assert_eq!(map.granularity(), Granularity::CacheLine);
///
/// map.flush(base, 64)?;
/// map.flush(base.wrapping_add(1000), 8)?;
/// map.drain()?; // both are durable
///
/// map.writeback_invalidate(base, len)?; // and whoever reads past the caches finds them
/// assert!(map.persist(base, len + 1).is_err()); // nothing was touched
/// # Ok::<(), kpmem::Error>(())
/// ```
///
/// # Migration
/// A drain waits for the flushes of the CPU that it runs on. Where a task may be moved to another
/// CPU between the two (also inside [`persist`](Self::persist)), the switch must wait for them: any
/// locked instruction or fence on x86_64, `dsb` on aarch64, `fence rw, rw` or stronger on riscv64
/// is enough, and most kernels have that in their context switch (Linux has). In one that has not,
/// keep the task where it is: [`batch_within`](Self::batch_within) and
/// [`persist_within`](Self::persist_within) take a guard.
#[doc(alias("pmem2_map", "pmem2_map_from_existing"))]
pub struct Map<D: Dispatch = &'static Table> {
    base: *mut u8,
    len: usize,
    dispatch: D,
}

// SAFETY: a map hands out its address and nothing behind it; what flushes read and write of the
// range is the CPU's business, and who stores to the range vouches for that by unsafe calls.
unsafe impl<D: Dispatch + Send> Send for Map<D> {}
// SAFETY: as above.
unsafe impl<D: Dispatch + Sync> Sync for Map<D> {}
impl<D: Dispatch> Map<D> {
    pub(crate) const fn over(base: *mut u8, len: usize, dispatch: D) -> Self {
        Self {
            base,
            len,
            dispatch,
        }
    }

    pub(crate) fn into_parts(self) -> (*mut u8, usize, D) {
        (self.base, self.len, self.dispatch)
    }

    #[inline]
    pub(crate) const fn dispatch(&self) -> &D {
        &self.dispatch
    }

    /// Address of the first byte.
    #[must_use]
    #[doc(alias = "pmem2_map_get_address")]
    pub const fn address(&self) -> *mut u8 {
        self.base
    }

    /// Length in bytes.
    #[must_use]
    #[doc(alias = "pmem2_map_get_size")]
    pub const fn size(&self) -> usize {
        self.len
    }

    /// What the platform makes durable.
    #[must_use]
    #[inline]
    #[doc(alias = "pmem2_map_get_store_granularity")]
    pub fn granularity(&self) -> Granularity {
        self.dispatch.granularity()
    }

    /// Makes `len` bytes at `ptr` durable before it returns: [`flush`](Self::flush), then
    /// [`drain`](Self::drain). With no bytes that is a drain alone, whatever the pointer.
    ///
    /// # Errors
    /// [`Error::OutsideMap`] or [`Error::Wraps`], and nothing was touched; [`Error::Sync`] or
    /// [`Error::NotCovered`] of a page map.
    #[inline]
    #[doc(alias = "clean_dcache_pop")]
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "nothing reads through it: see with_hook"
    )]
    pub fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        self.check(ptr, len)?;
        // SAFETY: the range is inside the map, and the map's creator vouches that it is mapped.
        unsafe { self.dispatch.persist(ptr, len) }
    }

    /// Starts to make `len` bytes at `ptr` durable; [`drain`](Self::drain) on the same CPU
    /// completes it. No bytes: nothing happens, whatever the pointer.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    #[inline]
    #[doc(alias("arch_wb_cache_pmem", "clean_dcache_pop"))]
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "nothing reads through it: see with_hook"
    )]
    pub fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        self.check(ptr, len)?;
        // SAFETY: as in `persist`.
        unsafe { self.dispatch.flush(ptr, len) }
    }

    /// Waits until all earlier flushes of this CPU are durable.
    ///
    /// # Errors
    /// [`Error::Sync`] if a hook of this page map failed, now or in a call through a plain function
    /// pointer since the last report; [`Error::NotCovered`] if such a call was given a range that
    /// no page map covers.
    #[inline]
    #[doc(alias = "pmem_wmb")]
    pub fn drain(&self) -> Result<(), Error> {
        self.dispatch.drain()
    }

    /// Writes `len` bytes at `ptr` back, drops their lines from the CPU's caches, and waits for
    /// that: they are durable, and whoever reads them next, also past this CPU's caches (a device,
    /// another host of a CXL pool), finds them. Never discards a store. Whole lines are dropped;
    /// no bytes are a drain alone.
    ///
    /// A reader of what another host or a device wrote calls it *before* it reads, on lines that it
    /// has not stored to: then the next load comes from memory. Loads that are later in the program
    /// do not begin before it returns; but nothing keeps a CPU from fetching a line again by
    /// itself, so the writer must be done by then.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist); [`Error::NotInvalidated`] in byte and page maps (make a
    /// cache-line map of the range beside it), and with primitives that have no instruction for it.
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "nothing reads through it: see with_hook"
    )]
    #[inline]
    #[doc(alias(
        "arch_invalidate_pmem",
        "dcache_clean_inval_poc",
        "clflush_cache_range"
    ))]
    pub fn writeback_invalidate(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        self.check(ptr, len)?;
        // SAFETY: as in `persist`.
        unsafe { self.dispatch.writeback_invalidate(ptr, len) }
    }

    /// Whether the `len` bytes at `ptr` are inside the map, and none is known to be poisoned. No
    /// bytes are, wherever.
    #[inline]
    pub(crate) fn check(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        if len == 0 {
            return Ok(());
        }
        self.check_inside(ptr, len)?;
        self.dispatch.admit(ptr, len)
    }

    /// Whether the `len` bytes at `ptr`, not none, are inside the map.
    #[inline]
    pub(crate) fn check_inside(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        let (span, first) = (Span::new(ptr.addr(), len)?, self.base.addr());
        // The map was checked when it was made, so its end does not wrap.
        let map = Span {
            first,
            last: first.wrapping_add(self.len - 1),
        };
        if map.contains(span) {
            Ok(())
        } else {
            Err(Error::OutsideMap {
                start: span.first,
                len,
                map_start: first,
                map_len: self.len,
            })
        }
    }
}

impl<D: Dispatch> fmt::Debug for Map<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("base", &self.base)
            .field("len", &self.len)
            .field("dispatch", &self.dispatch)
            .finish()
    }
}
