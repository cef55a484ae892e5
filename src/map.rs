//! A range of persistent memory with the functions that make it durable.

use core::fmt;

use crate::{
    Dispatch, DrainFn, Error, Fixed, FlushFn, Granularity, MemcpyFn, MemmoveFn, MemsetFn,
    PersistFn, Primitives, Table, Tabled, range::Span, selected, selected_byte,
};

/// A range of persistent memory, its granularity, and the functions that make stores to it durable.
///
/// The functions are fixed when the map is made: complete, precomputed, the same at every call, so
/// callers may cache them. Those of byte and cache-line maps take no lock, allocate nothing, cannot
/// panic, and may be called on any CPU and in interrupt and NMI context. Those of page maps call
/// the caller's hook, wherever that may be called.
///
/// Any number of maps may cover a range.
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

impl Map {
    /// A map of `len` bytes at `base`, over the best functions that this machine has for its
    /// granularity (see [`selected`]).
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps; [`Error::Unsupported`] or [`Error::LineSize`]
    /// where the CPU cannot honour the granularity; [`Error::NoHook`] for page granularity, which
    /// `Map::with_hook` makes.
    ///
    /// # Safety
    /// As long as the map is used, the range must be mapped for each CPU that uses it, as
    /// write-back cacheable memory; the platform must make durable what `granularity` says; and the
    /// selected table must be right for the CPU ([`select`](crate::select) says how).
    #[doc(alias = "pmem2_map_new")]
    pub unsafe fn new(base: *mut u8, len: usize, granularity: Granularity) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        let table = match granularity {
            Granularity::Byte => selected_byte(),
            Granularity::CacheLine => selected()?,
            Granularity::Page => return Err(no_hook(span.first, len)),
        };
        Ok(Self::over(base, len, table))
    }

    /// A map of `len` bytes at `base` over a table of the caller's choice.
    ///
    /// # Errors
    /// As for [`Map::new`].
    ///
    /// # Safety
    /// As for [`Map::new`] with the table's granularity; for a cache-line table also as for
    /// [`select`](crate::select).
    pub unsafe fn with_table(
        base: *mut u8,
        len: usize,
        table: &'static Table,
    ) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        if table.granularity() == Granularity::Page {
            return Err(no_hook(span.first, len));
        }
        Ok(Self::over(base, len, table))
    }

    /// [`Map::with_table`] at an address that is known at compile time, for a `static`.
    ///
    /// # Errors
    /// As for [`Map::with_table`].
    ///
    /// # Safety
    /// As for [`Map::with_table`].
    pub const unsafe fn with_table_at(
        address: usize,
        len: usize,
        table: &'static Table,
    ) -> Result<Self, Error> {
        match checked_at(address, len, table.granularity()) {
            Ok(()) => Ok(Self::over(address as *mut u8, len, table)),
            Err(error) => Err(error),
        }
    }
}

impl<P: Primitives> Map<Fixed<P>> {
    /// A map of `len` bytes at `base` over primitives chosen at compile time, such as
    /// `Lines<arch::Clwb, 64>` or [`Byte`](crate::Byte).
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps; [`Error::NoHook`] for primitives of page
    /// granularity.
    ///
    /// # Safety
    /// As for [`Map::with_table`].
    pub unsafe fn fixed(base: *mut u8, len: usize) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        match P::GRANULARITY {
            Granularity::Page => Err(no_hook(span.first, len)),
            _ => Ok(Self::over(base, len, Fixed::new())),
        }
    }

    /// [`Map::fixed`] at an address that is known at compile time.
    ///
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use kpmem::{Fixed, Lines, Map, arch::Clwb};
    ///
    /// // SAFETY: 16 MiB of persistent memory are mapped there, and every CPU has clwb.
    /// static LOG: Map<Fixed<Lines<Clwb, 64>>> =
    ///     match unsafe { Map::fixed_at(0xffff_9000_0000_0000, 16 << 20) } {
    ///         Ok(map) => map,
    ///         Err(_) => panic!("no such range"), // at compile time
    ///     };
    /// assert_eq!(LOG.size(), 16 << 20);
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Map::fixed`].
    ///
    /// # Safety
    /// As for [`Map::fixed`].
    pub const unsafe fn fixed_at(address: usize, len: usize) -> Result<Self, Error> {
        match checked_at(address, len, P::GRANULARITY) {
            Ok(()) => Ok(Self::over(address as *mut u8, len, Fixed::new())),
            Err(error) => Err(error),
        }
    }
}

/// The functions as plain pointers: never null, the same at every call.
impl<D: Tabled> Map<D> {
    /// The table behind the functions: its name, its line size.
    #[must_use]
    #[inline]
    pub fn table(&self) -> &'static Table {
        self.dispatch.table()
    }

    /// The function that makes a range of this map durable before it returns. Any alignment; whole
    /// lines may become durable.
    #[must_use]
    #[doc(alias = "pmem2_get_persist_fn")]
    pub fn persist_fn(&self) -> PersistFn {
        self.table().persist_fn()
    }

    /// The function that starts to make a range of this map durable; many flushes may share one
    /// drain.
    #[must_use]
    #[doc(alias = "pmem2_get_flush_fn")]
    pub fn flush_fn(&self) -> FlushFn {
        self.table().flush_fn()
    }

    /// The function that waits until all earlier flushes of this CPU are durable.
    #[must_use]
    #[doc(alias = "pmem2_get_drain_fn")]
    pub fn drain_fn(&self) -> DrainFn {
        self.table().drain_fn()
    }

    /// The function that copies to this map, overlap included, durably unless its flags say
    /// otherwise.
    #[must_use]
    #[doc(alias = "pmem2_get_memmove_fn")]
    pub fn memmove_fn(&self) -> MemmoveFn {
        self.table().memmove_fn()
    }

    /// The function that copies to this map: the same as [`memmove_fn`](Self::memmove_fn).
    #[must_use]
    #[doc(alias = "pmem2_get_memcpy_fn")]
    pub fn memcpy_fn(&self) -> MemcpyFn {
        self.table().memcpy_fn()
    }

    /// The function that fills a range of this map, durably unless its flags say otherwise.
    #[must_use]
    #[doc(alias = "pmem2_get_memset_fn")]
    pub fn memset_fn(&self) -> MemsetFn {
        self.table().memset_fn()
    }
}

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

/// The range of a map that is being made. Its provenance is exposed, for the instructions that get
/// no more than an address, and for [`Map::address`] of another map of the range.
pub(crate) fn range_of(base: *mut u8, len: usize) -> Result<Span, Error> {
    if base.is_null() {
        return Err(Error::Null { len });
    }
    Span::new(base.expose_provenance(), len)
}

const fn checked_at(address: usize, len: usize, granularity: Granularity) -> Result<(), Error> {
    if address == 0 {
        return Err(Error::Null { len });
    }
    match (Span::new(address, len), granularity) {
        (Err(error), _) => Err(error),
        (Ok(_), Granularity::Page) => Err(no_hook(address, len)),
        (Ok(_), Granularity::Byte | Granularity::CacheLine) => Ok(()),
    }
}

const fn no_hook(start: usize, len: usize) -> Error {
    Error::NoHook { start, len }
}
