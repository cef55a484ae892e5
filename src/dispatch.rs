//! The two ways from a map to its functions: a table at run time, primitives at compile time.

use core::{fmt, marker::PhantomData};

use crate::{Flags, Primitives, Table};

/// How a map reaches its functions: through a [`Table`] at run time, or [`Fixed`] at compile time.
pub trait Dispatch: Copy + fmt::Debug + sealed::Sealed {
    /// The table with the same functions.
    fn table(self) -> &'static Table;

    /// Starts to make a range durable.
    ///
    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn flush(self, ptr: *const u8, len: usize);

    /// Waits until all earlier flushes of this CPU are durable.
    fn drain(self);

    /// Makes a range durable.
    ///
    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn persist(self, ptr: *const u8, len: usize);

    /// Copies and makes the destination durable.
    ///
    /// # Safety
    /// As for [`Primitives::memmove`].
    unsafe fn memmove(self, dest: *mut u8, src: *const u8, len: usize, flags: Flags);

    /// Fills and makes the destination durable.
    ///
    /// # Safety
    /// As for [`Primitives::memset`].
    unsafe fn memset(self, dest: *mut u8, byte: u8, len: usize, flags: Flags);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &'static crate::Table {}
    impl<P: crate::Primitives> Sealed for super::Fixed<P> {}
}

impl Dispatch for &'static Table {
    #[inline]
    fn table(self) -> &'static Table {
        self
    }

    #[inline]
    unsafe fn flush(self, ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { self.flush_fn()(ptr, len) }
    }

    #[inline]
    fn drain(self) {
        // SAFETY: a fence needs no range, and who chose the table vouches that the CPU has the
        // instruction.
        unsafe { self.drain_fn()() }
    }

    #[inline]
    unsafe fn persist(self, ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { self.persist_fn()(ptr, len) }
    }

    #[inline]
    unsafe fn memmove(self, dest: *mut u8, src: *const u8, len: usize, flags: Flags) {
        // SAFETY: the caller vouches for both ranges.
        unsafe { self.memmove_fn()(dest, src, len, flags.bits()) };
    }

    #[inline]
    unsafe fn memset(self, dest: *mut u8, byte: u8, len: usize, flags: Flags) {
        // SAFETY: the caller vouches for the range.
        unsafe { self.memset_fn()(dest, byte.into(), len, flags.bits()) };
    }
}

/// The primitives `P`, chosen at compile time: calls inline to the bare instructions.
pub struct Fixed<P>(PhantomData<fn() -> P>);

impl<P> Fixed<P> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
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

impl<P: Primitives> Dispatch for Fixed<P> {
    #[inline(always)]
    fn table(self) -> &'static Table {
        const { &Table::of::<P>() }
    }

    #[inline(always)]
    unsafe fn flush(self, ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { P::flush(ptr, len) }
    }

    #[inline(always)]
    fn drain(self) {
        P::drain();
    }

    #[inline(always)]
    unsafe fn persist(self, ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { P::persist(ptr, len) }
    }

    #[inline(always)]
    unsafe fn memmove(self, dest: *mut u8, src: *const u8, len: usize, flags: Flags) {
        // SAFETY: the caller vouches for both ranges.
        unsafe { P::memmove(dest, src, len, flags) }
    }

    #[inline(always)]
    unsafe fn memset(self, dest: *mut u8, byte: u8, len: usize, flags: Flags) {
        // SAFETY: the caller vouches for the range.
        unsafe { P::memset(dest, byte, len, flags) }
    }
}
