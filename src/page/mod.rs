//! Page granularity: durable is what the host or the device was asked to sync, by a hook of the
//! caller's.
//!
//! A map holds its hook and calls it directly: checked calls take no lock and look nothing up.
//! Plain function pointers have no context, so they find hooks by address, in a
//! [registry](self::registry) that only those maps are in for which somebody asked.

mod failure;
mod registry;

pub use registry::{PageSlot, Registered};

use core::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{
    Dispatch, Error, Flags, Granularity, Hook, Map, arch,
    dispatch::{not_invalidated, sealed::Sealed},
    map::range_of,
    range::Span,
};
use failure::Failure;

/// The dispatch of a page map: its hook, and what the hook has still to drain.
///
/// ```
/// use kpmem::{Hook, Map, Paged};
///
/// /// A page map over any hook.
/// struct Volume<H: Hook> {
///     map: Map<Paged<H>>,
/// }
///
/// impl<H: Hook> Volume<H> {
///     fn commit(&self) -> Result<(), kpmem::Error> {
///         self.map.persist(self.map.address(), self.map.size())
///     }
/// }
/// ```
pub struct Paged<H> {
    hook: H,
    span: Span,
    /// How many flushes there were, and how many of them a drain has completed.
    flushed: AtomicUsize,
    drained: AtomicUsize,
    /// What a plain function pointer could not return.
    failure: Failure,
}

impl<H: Hook> Map<Paged<H>> {
    /// A page-granularity map of `len` bytes at `base`, made durable by `hook`.
    ///
    /// ```
    /// use kpmem::{HookFns, Map};
    ///
    /// # let mut memory = vec![0_u8; 4096];
    /// # let (base, len) = (memory.as_mut_ptr(), memory.len());
    /// # fn virtio_pmem_flush() -> Result<(), i32> { Ok(()) }
    /// let hook = HookFns {
    ///     flush: |_ptr: *const u8, _len: usize| Ok(()), // the device knows no ranges
    ///     drain: virtio_pmem_flush,                     // one request for many flushes
    /// };
    /// // SAFETY: what the device reports as flushed is durable.
    /// let map = unsafe { Map::with_hook(base, len, hook)? };
    /// map.flush(base, 8)?;
    /// map.flush(base.wrapping_add(100), 8)?;
    /// map.drain()?; // one request
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps.
    ///
    /// # Safety
    /// As for [`Map::new`], and what the hook promises must be true: after `flush` of a range and
    /// then `drain`, both with `Ok`, the range is durable. If the hook reads through the pointer
    /// that it gets, every pointer that the map's methods are called with must be good for that.
    pub unsafe fn with_hook(base: *mut u8, len: usize, hook: H) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        let paged = Paged {
            hook,
            span,
            flushed: AtomicUsize::new(0),
            drained: AtomicUsize::new(0),
            failure: Failure::new(),
        };
        Ok(Self::over(base, len, paged))
    }
}

impl<H: Hook> Paged<H> {
    /// What plain function pointers could not return, after what this call has to say.
    fn report(&self, result: Result<(), Error>) -> Result<(), Error> {
        result?;
        if let Some((start, len, code)) = self.failure.take() {
            return Err(Error::Sync { start, len, code });
        }
        match registry::NOT_COVERED.take() {
            Some((start, len, _)) => Err(Error::NotCovered { start, len }),
            None => Ok(()),
        }
    }
}

/// What the registry calls of a page map, whatever its hook.
trait Device {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error>;
    fn drain(&self) -> Result<(), Error>;
    fn failure(&self) -> &Failure;
}

impl<H: Hook> Device for Paged<H> {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        if len == 0 {
            return Ok(());
        }
        let result = self.hook.flush(ptr, len);
        // Also after a failure: what the hook has noted may still be there to drain.
        self.flushed.fetch_add(1, Ordering::Release);
        result.map_err(|code| Error::Sync {
            start: ptr.addr(),
            len,
            code,
        })
    }

    /// Calls the hook if anything was flushed since it last succeeded. A drain that runs beside
    /// another's counts what it has flushed itself, so it never relies on one that is not done.
    fn drain(&self) -> Result<(), Error> {
        arch::store_fence();
        let flushed = self.flushed.load(Ordering::Acquire);
        if self.drained.load(Ordering::Acquire) >= flushed {
            return Ok(());
        }
        self.hook.drain().map_err(|code| Error::Sync {
            start: self.span.first,
            len: self.span.len(),
            code,
        })?;
        self.drained.fetch_max(flushed, Ordering::Release);
        Ok(())
    }

    fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl<H> Sealed for Paged<H> {}

impl<H: Hook> Dispatch for Paged<H> {
    fn granularity(&self) -> Granularity {
        Granularity::Page
    }

    unsafe fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        self.report(Device::flush(self, ptr, len))
    }

    fn drain(&self) -> Result<(), Error> {
        self.report(Device::drain(self))
    }

    fn drain_unreported(&self) {
        if let Err(Error::Sync { start, len, code }) = Device::drain(self) {
            self.failure.keep(start, len, code);
        }
    }

    unsafe fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        self.report(Device::flush(self, ptr, len).and_then(|()| Device::drain(self)))
    }

    unsafe fn writeback_invalidate(&self, _ptr: *const u8, _len: usize) -> Result<(), Error> {
        Err(not_invalidated(Granularity::Page))
    }

    unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's. The bytes are stored, and no hook is called.
        unsafe { registry::PAGE.memmove_fn()(dest, src, len, Flags::NOFLUSH.bits()) };
        self.finish(dest, len, flags)
    }

    unsafe fn memset(
        &self,
        dest: *mut u8,
        byte: u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: as in `memmove`.
        unsafe { registry::PAGE.memset_fn()(dest, byte.into(), len, Flags::NOFLUSH.bits()) };
        self.finish(dest, len, flags)
    }
}

impl<H: Hook> Paged<H> {
    /// What is left of a copy after its stores.
    fn finish(&self, dest: *mut u8, len: usize, flags: Flags) -> Result<(), Error> {
        if flags.contains(Flags::NOFLUSH) {
            return Ok(());
        }
        let flushed = Device::flush(self, dest, len);
        if flags.contains(Flags::NODRAIN) {
            return self.report(flushed);
        }
        self.report(flushed.and_then(|()| Device::drain(self)))
    }
}

impl<H> fmt::Debug for Paged<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paged")
            .field("flushed", &self.flushed)
            .field("drained", &self.drained)
            .finish_non_exhaustive()
    }
}
