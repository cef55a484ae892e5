//! The ways from a map to its functions: a table at run time, primitives at compile time. (Page
//! maps have a third, [`Paged`](crate::Paged).)

use core::{fmt, marker::PhantomData};

use crate::{
    Error, Flags, Granularity, Primitives, Table,
    copy::{self, Direct},
};

/// How a map reaches its functions: a [`Table`] at run time, [`Fixed`] at compile time, or the hook
/// of a page map.
///
/// ```
/// use kpmem::{Dispatch, Error, Map};
///
/// /// Appends to a log in a map of any kind.
/// fn append<D: Dispatch>(map: &Map<D>, at: *mut u8, record: &[u8]) -> Result<(), Error> {
///     // SAFETY: the log is this function's.
///     unsafe { map.copy_from_slice(at, record) }
/// }
/// ```
pub trait Dispatch: fmt::Debug + sealed::Sealed {
    /// What the platform makes durable.
    fn granularity(&self) -> Granularity;

    /// Whether the `len` bytes at `ptr` may be used: not if a byte is known to be
    /// [poisoned](crate::poison).
    ///
    /// # Errors
    /// [`Error::Poisoned`].
    #[inline(always)]
    fn admit(&self, _ptr: *const u8, _len: usize) -> Result<(), Error> {
        Ok(())
    }

    /// Starts to make a range durable.
    ///
    /// # Errors
    /// Those of a page map's hook.
    ///
    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error>;

    /// Waits until all earlier flushes of this CPU are durable.
    ///
    /// # Errors
    /// Those of a page map's hook.
    fn drain(&self) -> Result<(), Error>;

    /// The same where nobody can be told of an error: that of a page map's hook waits for the next
    /// call that returns one.
    #[inline(always)]
    fn drain_unreported(&self) {
        let _ = self.drain();
    }

    /// Makes a range durable.
    ///
    /// # Errors
    /// Those of a page map's hook.
    ///
    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error>;

    /// Makes a range durable and drops it from the caches.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where no instruction for that is known.
    ///
    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn writeback_invalidate(&self, ptr: *const u8, len: usize) -> Result<(), Error>;

    /// Copies, and makes the destination durable as `flags` say.
    ///
    /// # Errors
    /// Those of a page map's hook.
    ///
    /// # Safety
    /// As for [`Map::memmove`](crate::Map::memmove), and the destination must be in the map.
    unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error>;

    /// Fills, and makes the destination durable as `flags` say.
    ///
    /// # Errors
    /// Those of a page map's hook.
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    unsafe fn memset(&self, dest: *mut u8, byte: u8, len: usize, flags: Flags)
    -> Result<(), Error>;
}

/// A dispatch whose functions exist as plain pointers.
///
/// ```
/// use kpmem::{Map, PersistFn, Tabled};
///
/// /// What C code is given, of any map but a page map, whose functions are registered.
/// fn for_c<D: Tabled>(map: &Map<D>) -> PersistFn {
///     map.persist_fn()
/// }
/// ```
pub trait Tabled: Dispatch {
    /// The table with the same functions.
    fn table(&self) -> &'static Table;
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for &'static crate::Table {}
    impl<P: crate::Primitives> Sealed for super::Fixed<P> {}
    impl<D: super::Dispatch> Sealed for crate::poison::Avoiding<'_, D> {}
}

pub(crate) const fn not_invalidated(granularity: Granularity) -> Error {
    Error::NotInvalidated { granularity }
}

impl Tabled for &'static Table {
    #[inline]
    fn table(&self) -> &'static Table {
        self
    }
}

impl Dispatch for &'static Table {
    #[inline]
    fn granularity(&self) -> Granularity {
        Table::granularity(self)
    }

    #[inline]
    unsafe fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller vouches for the range.
        unsafe { self.flush_fn()(ptr, len) };
        Ok(())
    }

    #[inline]
    fn drain(&self) -> Result<(), Error> {
        // SAFETY: a fence needs no range, and who chose the table vouches that the CPU has the
        // instruction.
        unsafe { self.drain_fn()() };
        Ok(())
    }

    #[inline]
    unsafe fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller vouches for the range.
        unsafe { self.persist_fn()(ptr, len) };
        Ok(())
    }

    #[inline]
    unsafe fn writeback_invalidate(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        let function = self
            .writeback_invalidate_fn()
            .ok_or(not_invalidated(Table::granularity(self)))?;
        // SAFETY: the caller vouches for the range.
        unsafe { function(ptr, len) };
        Ok(())
    }

    #[inline]
    unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller vouches for both ranges.
        unsafe { self.memmove_fn()(dest, src, len, flags.bits()) };
        Ok(())
    }

    #[inline]
    unsafe fn memset(
        &self,
        dest: *mut u8,
        byte: u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller vouches for the range.
        unsafe { self.memset_fn()(dest, byte.into(), len, flags.bits()) };
        Ok(())
    }
}

/// The primitives `P`, chosen at compile time. Persist, flush and drain inline to the bare
/// instructions; copies call functions of their own. Nothing is called through a pointer, and no
/// function's address is taken unless a pointer is asked for: for kernels with retpolines, `ENDBR`
/// or kCFI, which are linked statically. (In position-independent code without LTO, rustc calls
/// other crates' functions through the linker's table of addresses.)
///
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// use kpmem::{Fixed, Lines, Map, arch::Clflush};
///
/// # let mut memory = vec![0_u64; 512];
/// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
/// // SAFETY: the range is mapped write-back on every CPU, and the platform has ADR.
/// let map: Map<Fixed<Lines<Clflush, 64>>> = unsafe { Map::fixed(base, len)? };
/// map.persist(base, 8)?; // `clflush` and `mfence`, in line
/// # }
/// # Ok::<(), kpmem::Error>(())
/// ```
pub struct Fixed<P>(PhantomData<fn() -> P>);

impl<P> Fixed<P> {
    /// The primitives alone, for who keeps the ranges himself; [`Map::fixed`](crate::Map::fixed)
    /// makes a map of them.
    ///
    /// ```
    /// use kpmem::{Byte, Dispatch, Fixed};
    ///
    /// let word = 42_u64;
    /// // SAFETY: the word is mapped.
    /// unsafe { Fixed::<Byte>::new().persist((&raw const word).cast(), 8)? };
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P> Default for Fixed<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Clone for Fixed<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Fixed<P> {}

impl<P: Primitives> fmt::Debug for Fixed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fixed({})", P::NAME)
    }
}

impl<P: Primitives> Tabled for Fixed<P> {
    #[inline]
    fn table(&self) -> &'static Table {
        const { &Table::of::<P>() }
    }
}

impl<P: Primitives> Dispatch for Fixed<P> {
    #[inline(always)]
    fn granularity(&self) -> Granularity {
        P::GRANULARITY
    }

    #[inline(always)]
    unsafe fn flush(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller vouches for the range.
        unsafe { P::flush(ptr, len) };
        Ok(())
    }

    #[inline(always)]
    fn drain(&self) -> Result<(), Error> {
        P::drain();
        Ok(())
    }

    #[inline(always)]
    unsafe fn persist(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        // SAFETY: the caller vouches for the range.
        unsafe { P::persist(ptr, len) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn writeback_invalidate(&self, ptr: *const u8, len: usize) -> Result<(), Error> {
        if !P::INVALIDATES {
            return Err(not_invalidated(P::GRANULARITY));
        }
        // SAFETY: the caller vouches for the range.
        unsafe { P::writeback_invalidate(ptr, len) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller vouches for both ranges.
        unsafe { copy::memmove::<P, _>(dest, src, len, flags, Direct::<P>::new()) };
        Ok(())
    }

    #[inline(always)]
    unsafe fn memset(
        &self,
        dest: *mut u8,
        byte: u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller vouches for the range.
        unsafe { copy::memset::<P, _>(dest, byte, len, flags, Direct::<P>::new()) };
        Ok(())
    }
}
