//! A range of persistent memory with the functions that make it durable.

use crate::{
    BYTE, Dispatch, DrainFn, Error, Fixed, FlushFn, Granularity, PersistFn, Primitives, SyncHook,
    Table,
    page::{PAGE, Registration},
    range::Span,
    selected,
};

/// A range of persistent memory, its granularity, and the functions that make stores to it durable.
///
/// The functions are fixed when the map is made: complete, precomputed, the same at every call, so
/// callers may cache them. Those of byte and cache-line maps take no lock, allocate nothing, cannot
/// panic, and may be called on any CPU and in interrupt and NMI context. Those of page maps call
/// the caller's hook and look it up under a spin lock: not in interrupt context.
///
/// Any number of maps may cover a range, except of page granularity, where an address has one hook.
#[derive(Debug)]
#[doc(alias("pmem2_map", "pmem2_map_from_existing"))]
pub struct Map<D: Dispatch = &'static Table> {
    span: Span,
    dispatch: D,
    page: Option<Registration>,
}

impl Map {
    /// A map of `len` bytes at `base`, over the best functions that this machine has for its
    /// granularity (see [`selected`]).
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps; [`Error::Unsupported`] or [`Error::LineSize`]
    /// where the CPU cannot honour the granularity; [`Error::NoHook`] for page granularity,
    /// which [`Map::with_hook`] makes.
    ///
    /// # Safety
    /// As long as the map is used, the range must be mapped for each CPU that uses it, as
    /// write-back cacheable memory; the platform must make durable what `granularity` says; and
    /// the selected table must be right for the CPU ([`select`](crate::select) says how).
    #[doc(alias = "pmem2_map_new")]
    pub unsafe fn new(base: *mut u8, len: usize, granularity: Granularity) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        let table = match granularity {
            Granularity::Byte => &BYTE,
            Granularity::CacheLine => selected()?,
            Granularity::Page => return Err(no_hook(span)),
        };
        Ok(Self {
            span,
            dispatch: table,
            page: None,
        })
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
            return Err(no_hook(span));
        }
        Ok(Self {
            span,
            dispatch: table,
            page: None,
        })
    }

    /// A page-granularity map of `len` bytes at `base`, made durable by `hook`.
    ///
    /// Page maps that touch each other may be persisted with one call that spans them, also with
    /// different hooks. A plain function pointer cannot return what a hook returned: a failure
    /// stays with the map, and its next checked [`persist`](Self::persist) or
    /// [`drain`](Self::drain) reports it.
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps; [`Error::Overlap`] with another page map;
    /// [`Error::TooManyPageMaps`].
    ///
    /// # Safety
    /// As for [`Map::new`], and the map must not be dropped while another CPU persists a part of
    /// it.
    pub unsafe fn with_hook(base: *mut u8, len: usize, hook: SyncHook) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        Ok(Self {
            span,
            dispatch: &PAGE,
            page: Some(Registration::new(span, hook)?),
        })
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
        if P::GRANULARITY == Granularity::Page {
            return Err(no_hook(span));
        }
        Ok(Self {
            span,
            dispatch: Fixed::new(),
            page: None,
        })
    }
}

impl<D: Dispatch> Map<D> {
    /// Address of the first byte.
    #[must_use]
    #[doc(alias = "pmem2_map_get_address")]
    pub fn address(&self) -> *mut u8 {
        self.span.ptr().cast_mut()
    }

    /// Length in bytes.
    #[must_use]
    #[doc(alias = "pmem2_map_get_size")]
    pub fn size(&self) -> usize {
        self.span.len()
    }

    /// What the platform makes durable.
    #[must_use]
    #[inline]
    #[doc(alias = "pmem2_map_get_store_granularity")]
    pub fn granularity(&self) -> Granularity {
        self.table().granularity()
    }

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

    /// Makes `len` bytes at `ptr` durable before it returns. No bytes: nothing happens, whatever
    /// the pointer.
    ///
    /// # Errors
    /// [`Error::OutsideMap`] or [`Error::Wraps`], and nothing was touched; [`Error::Sync`] if the
    /// hook of a page map failed.
    #[inline]
    pub fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        let Some(span) = self.checked(ptr, len)? else {
            return Ok(());
        };
        if let Some(page) = self.page() {
            page.sync(span)?;
            return self.drain();
        }
        // SAFETY: the range is inside the map, and the map's creator vouches that it is mapped.
        unsafe { self.dispatch.persist(span.ptr(), len) };
        Ok(())
    }

    /// Starts to make `len` bytes at `ptr` durable; [`drain`](Self::drain) on the same CPU
    /// completes it. No bytes: nothing happens.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    #[inline]
    pub fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        let Some(span) = self.checked(ptr, len)? else {
            return Ok(());
        };
        if let Some(page) = self.page() {
            return page.sync(span);
        }
        // SAFETY: the range is inside the map, and the map's creator vouches that it is mapped.
        unsafe { self.dispatch.flush(span.ptr(), len) };
        Ok(())
    }

    /// Waits until all earlier flushes of this CPU are durable.
    ///
    /// # Errors
    /// [`Error::Sync`] if a hook of this page map failed in a call through a plain function pointer
    /// since the last report.
    #[inline]
    pub fn drain(&self) -> Result<(), Error> {
        self.dispatch.drain();
        self.page
            .as_ref()
            .map_or(Ok(()), Registration::take_failure)
    }

    #[inline]
    pub(crate) fn dispatch(&self) -> D {
        self.dispatch
    }

    /// The registration of a page map; known to be none at compile time where the granularity is.
    #[inline]
    pub(crate) fn page(&self) -> Option<&Registration> {
        match self.granularity() {
            Granularity::Page => self.page.as_ref(),
            Granularity::Byte | Granularity::CacheLine => None,
        }
    }

    #[inline]
    pub(crate) fn checked(&self, ptr: *const u8, len: usize) -> Result<Option<Span>, Error> {
        if len == 0 {
            return Ok(None);
        }
        let span = Span::new(ptr.addr(), len)?;
        if self.span.contains(span) {
            Ok(Some(span))
        } else {
            Err(Error::OutsideMap {
                start: span.first,
                len,
                map_start: self.span.first,
                map_len: self.span.len(),
            })
        }
    }
}

fn range_of(base: *mut u8, len: usize) -> Result<Span, Error> {
    if base.is_null() {
        return Err(Error::Null { len });
    }
    Span::new(base.expose_provenance(), len)
}

fn no_hook(span: Span) -> Error {
    Error::NoHook {
        start: span.first,
        len: span.len(),
    }
}
