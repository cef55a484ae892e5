//! Deep flush: to the most reliable domain that the platform has, beyond that of persist.
//!
//! What persist reaches survives because the platform does something when power fails. A deeper
//! domain survives even if it does not, and costs more; use it where a journal is closed or a
//! machine handed over. The domain is a [`Hook`], asked in two parts, so that many ranges may share
//! one request:
//!
//! | domain | where | flush | drain |
//! |---|---|---|---|
//! | [`Hints`] (feature `nfit`) | x86_64, devices with flush hints | nothing | a store to each hint, fenced |
//! | [`ByTable`] | Arm's point of deep persistence: `Cpu::deep_table` | `dc cvadp` by line | `dsb sy` |
//! | [`ByPhysical`] (feature `nfit`) | platforms that maintain caches by physical range | the range | waits |
//! | a device's own hook | virtio-pmem | nothing | one FLUSH |
//!
//! Where there is none, there is nothing to give to [`Map::deep_flush`]: what makes a domain
//! returns [`Error::NoDeepDomain`].

#[cfg(feature = "nfit")]
mod hints;
#[cfg(feature = "nfit")]
mod physical;

#[cfg(feature = "nfit")]
pub use hints::Hints;
#[cfg(feature = "nfit")]
pub use physical::{ByPhysical, PhysicalCaches};

use crate::{Dispatch, Error, Granularity, Hook, Map, Table};

impl<D: Dispatch> Map<D> {
    /// Moves `len` bytes at `ptr` to a deep domain before it returns:
    /// [`deep_flush_start`](Self::deep_flush_start), then [`deep_drain`](Self::deep_drain).
    ///
    /// ```
    /// use kpmem::{Granularity, HookFns, Map};
    ///
    /// # let mut memory = vec![0_u64; 512];
    /// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
    /// // SAFETY: the range is mapped write-back on every CPU, and the platform has ADR.
    /// let map = unsafe { Map::new(base, len, Granularity::CacheLine)? };
    /// // A device that is asked; `Hints`, `ByTable` and `ByPhysical` are others.
    /// let domain = HookFns { flush: |_: *const u8, _: usize| Ok(()), drain: || Ok(()) };
    ///
    /// map.deep_flush(&domain, base, 64)?;
    /// // Two ranges, one request.
    /// map.deep_flush_start(&domain, base, 64)?;
    /// map.deep_flush_start(&domain, base.wrapping_add(1024), 64)?;
    /// map.deep_drain(&domain)?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`persist`](Self::persist); [`Error::Sync`] with the domain's code, if it failed:
    /// then the range is durable, but may not be there. [`Error::NoDeepDomain`] in a byte map,
    /// whose persist leaves the bytes in the CPU's caches: make a cache-line map of the range
    /// beside it.
    #[doc(alias("pmem2_deep_flush", "pmem_deep_persist"))]
    pub fn deep_flush<H: Hook + ?Sized>(
        &self,
        domain: &H,
        ptr: *const u8,
        len: usize,
    ) -> Result<(), Error> {
        self.deep_flush_start(domain, ptr, len)?;
        self.deep_drain(domain)
    }

    /// Persists `len` bytes at `ptr`, and starts to move them on to a deep domain;
    /// [`deep_drain`](Self::deep_drain) on the same CPU completes it. The domain's [`Hook::flush`]
    /// finds the bytes durable.
    ///
    /// # Errors
    /// As for [`deep_flush`](Self::deep_flush).
    #[doc(alias = "pmem_deep_flush")]
    pub fn deep_flush_start<H: Hook + ?Sized>(
        &self,
        domain: &H,
        ptr: *const u8,
        len: usize,
    ) -> Result<(), Error> {
        self.check(ptr, len)?;
        if self.granularity() == Granularity::Byte {
            return Err(Error::NoDeepDomain {
                missing: "a byte-granularity map writes no line back; make a cache-line map of the \
                          range",
            });
        }
        self.persist(ptr, len)?;
        if len == 0 {
            return Ok(());
        }
        domain.flush(ptr, len).map_err(|code| Error::Sync {
            start: ptr.addr(),
            len,
            code,
        })
    }

    /// Waits until all that this CPU has started is in the deep domain.
    ///
    /// # Errors
    /// As for [`deep_flush`](Self::deep_flush).
    #[doc(alias = "pmem_deep_drain")]
    pub fn deep_drain<H: Hook + ?Sized>(&self, domain: &H) -> Result<(), Error> {
        domain.drain().map_err(|code| Error::Sync {
            start: self.address().addr(),
            len: self.size(),
            code,
        })
    }
}

/// A domain that the functions of a table reach, such as Arm's point of deep persistence.
///
/// ```
/// use kpmem::{Error, deep::ByTable};
///
/// /// On Arm: the point of deep persistence, where the CPU has `dc cvadp`.
/// #[cfg(target_arch = "aarch64")]
/// fn deep() -> Result<ByTable, Error> {
///     let table = kpmem::arch::Cpu::detect().deep_table()?;
///     // SAFETY: the CPU says that it has the instruction; maps pass ranges that are mapped.
///     Ok(unsafe { ByTable::new(table) })
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByTable(&'static Table);

impl ByTable {
    /// The domain of a table.
    ///
    /// # Safety
    /// Every CPU must have the table's instruction, which must reach that domain; and the domain's
    /// methods must be called with ranges that are mapped, as those of a [`Map`] do.
    #[must_use]
    pub const unsafe fn new(table: &'static Table) -> Self {
        Self(table)
    }
}

impl Hook for ByTable {
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "who made the domain vouches for it"
    )]
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        // SAFETY: who made it vouches for the instruction and the ranges.
        unsafe { self.0.flush_fn()(ptr, len) };
        Ok(())
    }

    fn drain(&self) -> Result<(), i32> {
        // SAFETY: as above; a fence needs no range.
        unsafe { self.0.drain_fn()() };
        Ok(())
    }
}
