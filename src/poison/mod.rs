//! Poison: memory whose content is lost, so that a load faults (a machine check) or gives nothing.
//!
//! The kernel knows where it is: from a scrub of the address range (ARS), from firmware's error
//! records (CPER), from a machine check. It keeps a [`Poison`] list, and a map that
//! [avoids](Map::avoiding) it refuses every call that would touch such bytes, naming the first.
//!
//! ```
//! use core::sync::atomic::AtomicUsize;
//! use kpmem::{Error, Granularity, Map, poison::Poison};
//!
//! static SLOTS: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];
//! static POISON: Poison<'static> = Poison::new(&SLOTS);
//!
//! # #[repr(align(64))] struct Memory([u8; 4096]);
//! # let mut memory = Memory([0; 4096]);
//! # let base = memory.0.as_mut_ptr();
//! // SAFETY: the range is persistent memory, mapped write-back.
//! let map = unsafe { Map::new(base, 4096, Granularity::Byte)? }.avoiding(&POISON);
//! POISON.add(base.wrapping_add(100), 1)?; // as a machine check says
//! let poisoned = Error::Poisoned { address: base.addr() + 64 };
//! assert_eq!(map.persist(base, 4096), Err(poisoned));
//!
//! // SAFETY: nothing else uses the line, and it holds nothing that is still wanted.
//! unsafe { map.clear(base.wrapping_add(64), 64, |_, _| Ok(()))? };
//! map.persist(base, 4096)?;
//! # Ok::<(), Error>(())
//! ```

mod list;

pub use list::Poison;

use crate::{Dispatch, Error, Flags, Granularity, Map, dispatch::Tabled, range::Span};

/// Bytes of the unit that poison is counted in: a line of x86_64, and no finer than hardware
/// reports it.
pub const UNIT: usize = 64;

/// The dispatch of a map that avoids poison.
///
/// ```
/// use kpmem::{Map, Table, poison::{Avoiding, Poison}};
///
/// /// A map whose calls name the first byte that is bad.
/// type Pmem = Map<Avoiding<'static, &'static Table>>;
///
/// fn of(map: Map, bad: &'static Poison<'static>) -> Pmem {
///     map.avoiding(bad)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Avoiding<'p, D> {
    dispatch: D,
    poison: &'p Poison<'p>,
}

impl<D: Dispatch> Map<D> {
    /// The same map, whose checked calls refuse bytes that are in the list: flushes, copies to and
    /// from them, stores. Plain function pointers know no list.
    pub fn avoiding<'p>(self, poison: &'p Poison<'p>) -> Map<Avoiding<'p, D>> {
        let (base, len, dispatch) = self.into_parts();
        Map::over(base, len, Avoiding { dispatch, poison })
    }
}

impl<D: Dispatch> Map<Avoiding<'_, D>> {
    /// The same map with another list instead of its own.
    ///
    /// ```
    /// use kpmem::{Map, Table, poison::{Avoiding, Poison}};
    ///
    /// /// A scrub has made a list anew.
    /// fn renew(
    ///     map: Map<Avoiding<'static, &'static Table>>,
    ///     list: &'static Poison<'static>,
    /// ) -> Map<Avoiding<'static, &'static Table>> {
    ///     map.avoiding_instead(list)
    /// }
    /// ```
    pub fn avoiding_instead<'p>(self, poison: &'p Poison<'p>) -> Map<Avoiding<'p, D>> {
        let (base, len, Avoiding { dispatch, .. }) = self.into_parts();
        Map::over(base, len, Avoiding { dispatch, poison })
    }

    /// Clears poison by writing zeroes over whole units, durably, and takes them from the list.
    ///
    /// `platform` does first what the platform asks for (ACPI's `Clear Uncorrectable Error`, for
    /// NVDIMMs), with the address and the length; its code is returned as [`Error::Sync`].
    ///
    /// ```
    /// use core::sync::atomic::AtomicUsize;
    /// use kpmem::{Granularity, Map, poison::{Poison, UNIT}};
    ///
    /// # static SLOTS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    /// # static POISON: Poison<'static> = Poison::new(&SLOTS);
    /// # #[repr(align(64))] struct Memory([u8; 4096]);
    /// # let mut memory = Memory([0; 4096]);
    /// # let base = memory.0.as_mut_ptr();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? }.avoiding(&POISON);
    /// POISON.add(base, 1)?;
    /// // SAFETY: nothing else uses these bytes, and what they held is gone.
    /// // The platform has nothing to do.
    /// unsafe { map.clear(base, UNIT, |_address, _len| Ok(()))? };
    /// map.persist(base, UNIT)?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Misaligned`] unless both address and length are multiples of [`UNIT`];
    /// [`Error::OutsideMap`] and [`Error::Wraps`]; [`Error::Sync`], also of a page map's hook: the
    /// list is unchanged then. [`Error::PoisonFull`] if a run of it must be split, and there is no
    /// room: then more than was cleared is still refused.
    ///
    /// # Safety
    /// Nothing else may use these bytes meanwhile, and what they held is gone.
    #[doc(alias("pmem2_badblock_clear", "clear_mce_nospec"))]
    pub unsafe fn clear(
        &self,
        ptr: *mut u8,
        len: usize,
        platform: impl FnOnce(*mut u8, usize) -> Result<(), i32>,
    ) -> Result<(), Error> {
        let start = ptr.addr();
        if start % UNIT != 0 || len % UNIT != 0 {
            return Err(Error::Misaligned { start, align: UNIT });
        }
        if len == 0 {
            return Ok(());
        }
        self.check_inside(ptr, len)?;
        platform(ptr, len).map_err(|code| Error::Sync { start, len, code })?;
        let Avoiding { dispatch, poison } = self.dispatch();
        // SAFETY: the range is inside the map; the caller vouches for the rest.
        unsafe { dispatch.memset(ptr, 0, len, Flags::NONTEMPORAL)? };
        poison.remove(Span::new(start, len)?)
    }

    /// Copies `len` bytes out of the map by loads that may fault.
    ///
    /// `copy(dest, src, len)` is the kernel's copy with a fix-up (Linux's `copy_mc_to_kernel`): it
    /// returns how many bytes at the end it has *not* copied. The byte that it stopped at goes to
    /// the list.
    ///
    /// ```
    /// use core::sync::atomic::AtomicUsize;
    /// use kpmem::{Error, Granularity, Map, poison::Poison};
    ///
    /// # static SLOTS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    /// # static POISON: Poison<'static> = Poison::new(&SLOTS);
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? }.avoiding(&POISON);
    /// /// The kernel's own, which a machine check ends early: here after 8 bytes.
    /// fn copy_mc(_dest: *mut u8, _src: *const u8, len: usize) -> usize {
    ///     len - 8
    /// }
    ///
    /// let mut buffer = [0_u8; 64];
    /// // SAFETY: the buffer is writable, and the copy is right for it.
    /// let read = unsafe { map.read_mcsafe(buffer.as_mut_ptr(), base, 64, copy_mc) };
    /// assert_eq!(read, Err(Error::Poisoned { address: base.addr() + 8 }));
    /// assert!(map.persist(base, 64).is_err()); // it is in the list now
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutsideMap`] and [`Error::Wraps`]; [`Error::Poisoned`] before a byte is copied, or
    /// with the byte that `copy` stopped at: those before it are copied. [`Error::PoisonFull`]
    /// instead of the latter, if it does not fit into the list.
    ///
    /// # Safety
    /// `copy` must be right for these three arguments; `dest` must be valid for writes of `len`
    /// bytes.
    #[doc(alias("pmem2_source_pread_mcsafe", "copy_mc"))]
    pub unsafe fn read_mcsafe(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        copy: impl FnOnce(*mut u8, *const u8, usize) -> usize,
    ) -> Result<(), Error> {
        self.check(src, len)?;
        if len == 0 {
            return Ok(());
        }
        let left = copy(dest, src, len).min(len);
        if left == 0 {
            return Ok(());
        }
        let bad = src.wrapping_add(len - left);
        self.dispatch().poison.add(bad, 1)?;
        Err(Error::Poisoned {
            address: bad.addr(),
        })
    }
}

impl<D> Avoiding<'_, D> {
    /// The dispatch of the map without the list.
    #[cfg(feature = "page")]
    pub(crate) const fn inner(&self) -> &D {
        &self.dispatch
    }
}

impl<D: Tabled> Tabled for Avoiding<'_, D> {
    fn table(&self) -> &'static crate::Table {
        self.dispatch.table()
    }
}

impl<D: Dispatch> Dispatch for Avoiding<'_, D> {
    fn granularity(&self) -> Granularity {
        self.dispatch.granularity()
    }

    fn admit(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        match self.poison.first(ptr, len) {
            Some(address) => Err(Error::Poisoned { address }),
            None => self.dispatch.admit(ptr, len),
        }
    }

    unsafe fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.dispatch.flush(ptr, len) }
    }

    fn drain(&self) -> Result<(), Error> {
        self.dispatch.drain()
    }

    fn drain_unreported(&self) {
        self.dispatch.drain_unreported();
    }

    unsafe fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.dispatch.persist(ptr, len) }
    }

    unsafe fn writeback_invalidate(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.dispatch.writeback_invalidate(ptr, len) }
    }

    unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.dispatch.memmove(dest, src, len, flags) }
    }

    unsafe fn memset(
        &self,
        dest: *mut u8,
        byte: u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.dispatch.memset(dest, byte, len, flags) }
    }
}
