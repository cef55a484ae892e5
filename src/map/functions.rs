//! A map's functions as plain pointers.

use super::Map;
use crate::{DrainFn, FlushFn, MemcpyFn, MemmoveFn, MemsetFn, PersistFn, Table, Tabled};

/// The functions as plain pointers: never null, the same at every call.
///
/// ```
/// use kpmem::{Flags, Granularity, Map};
///
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # // SAFETY: as for any map.
/// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
/// let (persist, flush, drain) = (map.persist_fn(), map.flush_fn(), map.drain_fn());
/// let (memmove, memcpy, memset) = (map.memmove_fn(), map.memcpy_fn(), map.memset_fn());
/// // SAFETY: the ranges are in the map, and nothing else uses them.
/// unsafe {
///     persist(base, 8);
///     flush(base, 64);
///     memset(base.add(64), 0, 64, Flags::NODRAIN.bits());
///     memcpy(base.add(128), base, 8, Flags::NODRAIN.bits());
///     drain(); // all of it is durable
///     assert_eq!(memmove(base.add(4), base, 8, 0), base.add(4));
/// }
/// assert_eq!(map.table().name(), "byte");
/// # Ok::<(), kpmem::Error>(())
/// ```
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
