//! Many flushes and copies, and one drain.

use core::{fmt, marker::PhantomData, mem, mem::ManuallyDrop};

use crate::{Dispatch, Error, Flags, Guard, Map, NoGuard, Pod};

/// Flushes and copies that share one drain: [`finish`](Self::finish), or else dropping it. (One
/// that is leaked, by [`mem::forget`](core::mem::forget), drains nothing and leaves no guard.)
///
/// It stays on the CPU that it was made on, since a drain waits for that CPU's flushes only: it is
/// not [`Send`], and a task that may be moved to another CPU meanwhile takes
/// [`Map::batch_within`] a guard.
///
/// ```
/// # use kpmem::{Flags, Granularity, Map};
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
/// let batch = map.batch();
/// batch.flush(base, 100)?;
/// // SAFETY: nothing else uses this part of the map.
/// unsafe {
///     batch.write(base.add(512).cast(), 7_u64)?;
///     batch.copy_from_slice(base.add(600), b"payload")?;
///     batch.memset(base.add(1024), 0, 64, Flags::empty())?;
///     batch.memmove(base.add(2048), base, 64, Flags::empty())?;
/// }
/// batch.finish()?; // all of it is durable
/// # Ok::<(), kpmem::Error>(())
/// ```
#[must_use = "dropped at once, it drains at once"]
pub struct Batch<'m, D: Dispatch, G: Guard = NoGuard> {
    map: &'m Map<D>,
    section: Section<G>,
    not_send: PhantomData<*const ()>,
}

/// A section of code inside a guard, left when it is dropped: also when a hook panics.
struct Section<G: Guard>(ManuallyDrop<G::State>);

impl<G: Guard> Section<G> {
    #[inline]
    fn enter() -> Self {
        Self(ManuallyDrop::new(G::enter()))
    }
}

impl<G: Guard> Drop for Section<G> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken once, as it is dropped once.
        G::leave(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}

impl<D: Dispatch> Map<D> {
    /// Begins a batch.
    #[inline]
    pub fn batch(&self) -> Batch<'_, D> {
        self.batch_within()
    }

    /// Begins a batch inside the guard `G`, which is left after the drain.
    ///
    /// ```
    /// # use kpmem::{Granularity, Map, NoGuard};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// map.batch().finish()?;
    /// map.batch_within::<NoGuard>().finish()?; // the same: a kernel names a guard of its own
    /// map.persist_within::<NoGuard>(base, 8)?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    #[inline]
    pub fn batch_within<G: Guard>(&self) -> Batch<'_, D, G> {
        Batch {
            map: self,
            section: Section::enter(),
            not_send: PhantomData,
        }
    }

    /// [`persist`](Self::persist) inside the guard `G`: for a task that may be moved to another CPU
    /// by a context switch that does not wait for flushes.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    #[inline]
    pub fn persist_within<G: Guard>(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        let batch = self.batch_within::<G>();
        batch.flush(ptr, len)?;
        batch.finish()
    }
}

impl<D: Dispatch, G: Guard> Batch<'_, D, G> {
    /// [`Map::flush`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        self.map.flush(ptr, len)
    }

    /// [`Map::memmove`] with [`Flags::NODRAIN`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.map.memmove(dest, src, len, flags | Flags::NODRAIN) }
    }

    /// [`Map::memset`] with [`Flags::NODRAIN`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub unsafe fn memset(
        &self,
        dest: *mut u8,
        byte: u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.map.memset(dest, byte, len, flags | Flags::NODRAIN) }
    }

    /// [`Map::write`] with [`Flags::NODRAIN`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub unsafe fn write<T: Pod>(&self, dest: *mut T, value: T) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.map.write_with(dest, value, Flags::NODRAIN) }
    }

    /// [`Map::copy_from_slice`] with [`Flags::NODRAIN`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    #[inline]
    pub unsafe fn copy_from_slice<T: Pod>(&self, dest: *mut T, src: &[T]) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.map.copy_from_slice_with(dest, src, Flags::NODRAIN) }
    }

    /// Waits until all of it is durable.
    ///
    /// # Errors
    /// As for [`Map::drain`].
    #[inline]
    pub fn finish(self) -> Result<(), Error> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped, so the section is taken once. It is left after the drain.
        let section = unsafe { (&raw const this.section).read() };
        let result = this.map.drain();
        mem::drop(section);
        result
    }
}

/// Drains, and leaves the guard. What a page map has to report is not lost: it waits for the map's
/// next checked call.
impl<D: Dispatch, G: Guard> Drop for Batch<'_, D, G> {
    #[inline]
    fn drop(&mut self) {
        self.map.dispatch().drain_unreported();
    }
}

impl<D: Dispatch, G: Guard> fmt::Debug for Batch<'_, D, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("map", self.map)
            .finish_non_exhaustive()
    }
}
