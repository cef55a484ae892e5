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

use core::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{Dispatch, Error, Flags, Granularity, Map, dispatch::Tabled, range::Span};

/// Bytes of the unit that poison is counted in: a line of x86_64, and no finer than hardware
/// reports it.
pub const UNIT: usize = 64;

/// Which bytes are poisoned, in units of [`UNIT`] bytes. It takes no lock: a machine-check handler
/// may add to it in the middle of another's call.
///
/// Each slot holds a run of up to 64 units, in one word so that nobody sees half of it: the first
/// unit's address and, in the bits below, how many follow it. 0 is a free slot, since no map begins
/// at address 0.
#[derive(Clone, Copy)]
pub struct Poison<'a> {
    slots: &'a [AtomicUsize],
}

/// A run of units.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    /// How many units follow the first: 0 to 63.
    more: usize,
}

impl Run {
    const fn word(self) -> usize {
        self.first | self.more
    }

    /// The run of a slot's word; `None` of a free one.
    const fn of(word: usize) -> Option<Self> {
        match word {
            0 => None,
            word => Some(Self {
                first: word & !(UNIT - 1),
                more: word & (UNIT - 1),
            }),
        }
    }

    /// As many units as one slot holds, from the one of `first` to that of `last`.
    fn from(first: usize, last: usize) -> Self {
        let first = first & !(UNIT - 1);
        let more = (last - first) / UNIT;
        Self {
            first,
            more: more.min(UNIT - 1),
        }
    }

    const fn last(self) -> usize {
        self.first + self.more * UNIT + (UNIT - 1)
    }
}

impl<'a> Poison<'a> {
    /// A list that is kept in these slots. They must be 0 when the first list is made of them.
    #[must_use]
    pub const fn new(slots: &'a [AtomicUsize]) -> Self {
        Self { slots }
    }

    /// Adds the units that `len` bytes at `ptr` touch.
    ///
    /// # Errors
    /// [`Error::PoisonFull`]: the calls of a map that avoids the list would not refuse these bytes,
    /// so stop to use the memory. [`Error::Wraps`]; [`Error::Null`] for the unit at address 0.
    pub fn add(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        if len == 0 {
            return Ok(());
        }
        let (start, span) = (ptr.addr(), Span::new(ptr.addr(), len)?);
        if start < UNIT {
            return Err(Error::Null { len });
        }
        let mut first = span.first;
        loop {
            let run = Run::from(first, span.last);
            if !self.holds(run) && !self.exchange(0, run.word()) {
                return Err(Error::PoisonFull { start, len });
            }
            if run.last() >= span.last {
                return Ok(());
            }
            first = run.last() + 1;
        }
    }

    /// The first of the `len` bytes at `ptr` that is poisoned.
    #[must_use]
    pub fn first(&self, ptr: *const u8, len: usize) -> Option<usize> {
        let span = Span::new(ptr.addr(), len).ok()?;
        let inside = self
            .runs()
            .filter(|run| run.first <= span.last && span.first <= run.last());
        inside.map(|run| run.first.max(span.first)).min()
    }

    fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.slots
            .iter()
            .filter_map(|slot| Run::of(slot.load(Ordering::Acquire)))
    }

    fn holds(&self, wanted: Run) -> bool {
        self.runs()
            .any(|run| run.first <= wanted.first && wanted.last() <= run.last())
    }

    /// Puts a word into a slot that holds `old`.
    fn exchange(&self, old: usize, new: usize) -> bool {
        self.slots.iter().any(|slot| {
            let done = slot.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed);
            done.is_ok()
        })
    }

    /// Takes whole units out. What is left of a run stays in; of one that is left on both sides,
    /// the part behind goes to a slot of its own before the run is cut.
    fn remove(&self, span: Span) -> Result<(), Error> {
        for slot in self.slots {
            let word = slot.load(Ordering::Acquire);
            let Some(run) = Run::of(word) else { continue };
            if run.first > span.last || span.first > run.last() {
                continue;
            }
            let before = (run.first < span.first).then(|| Run::from(run.first, span.first - 1));
            let behind = (run.last() > span.last).then(|| Run::from(span.last + 1, run.last()));
            if let (Some(_), Some(behind)) = (before, behind) {
                if !self.exchange(0, behind.word()) {
                    return Err(Error::PoisonFull {
                        start: behind.first,
                        len: run.last() - span.last,
                    });
                }
            }
            let left = before.or(behind).map_or(0, Run::word);
            // If another has changed the slot meanwhile, the bytes stay refused, which is safe.
            let _ = slot.compare_exchange(word, left, Ordering::AcqRel, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl fmt::Debug for Poison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.runs().map(|run| run.first..=run.last());
        f.debug_list().entries(runs).finish()
    }
}

/// The dispatch of a map that avoids poison.
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
    pub fn avoiding_instead<'p>(self, poison: &'p Poison<'p>) -> Map<Avoiding<'p, D>> {
        let (base, len, Avoiding { dispatch, .. }) = self.into_parts();
        Map::over(base, len, Avoiding { dispatch, poison })
    }

    /// Clears poison by writing zeroes over whole units, durably, and takes them from the list.
    ///
    /// `platform` does first what the platform asks for (ACPI's `Clear Uncorrectable Error`, for
    /// NVDIMMs), with the address and the length; its code is returned as [`Error::Sync`].
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
