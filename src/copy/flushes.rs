//! How what a copy has stored is flushed: by code in line, or by a pointer that many tables share
//! one planner for.

use core::marker::PhantomData;

use super::{COMBINED, WORD};
use crate::{FlushFn, Granularity, Primitives, table};

/// How the lines of a granularity are flushed.
pub(crate) trait Flushes: Copy {
    fn granularity(self) -> Granularity;

    /// Bytes of a line, a power of two; where there is none, of what is combined past the cache.
    fn line(self) -> usize;

    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn flush(self, ptr: *const u8, len: usize);

    /// Whether there is anything to flush.
    #[inline(always)]
    fn is_needed(self) -> bool {
        self.granularity() != Granularity::Byte
    }
}

/// By the primitives `P`: no pointer is called, and none is taken.
pub(crate) struct Direct<P>(PhantomData<P>);

impl<P> Direct<P> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P> Clone for Direct<P> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Direct<P> {}

impl<P: Primitives> Flushes for Direct<P> {
    #[inline(always)]
    fn granularity(self) -> Granularity {
        P::GRANULARITY
    }

    #[inline(always)]
    fn line(self) -> usize {
        const { line_of::<P>() }
    }

    #[inline(always)]
    unsafe fn flush(self, ptr: *const u8, len: usize) {
        // SAFETY: the caller's.
        unsafe { P::flush(ptr, len) }
    }
}

/// By a pointer, so that all tables of an instruction set share one copy of the planner.
#[derive(Debug)]
pub(crate) struct Shared {
    granularity: Granularity,
    line: usize,
    flush: FlushFn,
}

impl Shared {
    pub(crate) const fn of<P: Primitives>() -> Self {
        Self {
            granularity: P::GRANULARITY,
            line: line_of::<P>(),
            flush: table::flush::<P>,
        }
    }
}

impl Flushes for &Shared {
    #[inline(always)]
    fn granularity(self) -> Granularity {
        self.granularity
    }

    #[inline(always)]
    fn line(self) -> usize {
        self.line
    }

    #[inline(always)]
    unsafe fn flush(self, ptr: *const u8, len: usize) {
        if self.is_needed() {
            // SAFETY: the caller's.
            unsafe { (self.flush)(ptr, len) }
        }
    }
}

const fn line_of<P: Primitives>() -> usize {
    if P::LINE >= WORD { P::LINE } else { COMBINED }
}
