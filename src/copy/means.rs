//! What a copy is carried out by: the primitives of a map in line, or pointers to them, for which
//! one planner does for all tables.

use core::marker::PhantomData;

use super::{
    COMBINED, WORD,
    source::{Pointers, Source},
};
use crate::{
    FlushFn, Granularity, Primitives, table,
    tuning::{Copies, Stores},
};

/// What the planner knows of a map.
#[derive(Debug)]
pub(crate) struct Knobs {
    /// What is flushed.
    pub(super) granularity: Granularity,
    /// Bytes of a line, a power of two; where there is none, of what is combined past the cache.
    pub(super) line: usize,
    /// The most bytes that are stored through the cache before they are flushed: whole lines.
    pub(super) chunk: usize,
    /// Bytes from which on a copy without flags goes past the cache.
    pub(super) non_temporal_from: usize,
    /// Whether words of a line go past the cache, or only all of it.
    pub(super) parts_past_the_cache: bool,
    /// Whether the stores that should go past the cache do not, so that they are flushed too.
    pub(super) past_is_cached: bool,
}

impl Knobs {
    const fn of<P: Primitives>() -> Self {
        assert!(
            <P::Copies as Copies>::Temporal::CACHED,
            "kpmem: temporal stores go to the cache"
        );
        let line = if P::LINE >= WORD { P::LINE } else { COMBINED };
        let chunk = match P::GRANULARITY {
            Granularity::CacheLine if P::Copies::CHUNK > line => P::Copies::CHUNK & !(line - 1),
            Granularity::CacheLine => line,
            _ => usize::MAX,
        };
        Self {
            granularity: P::GRANULARITY,
            line,
            chunk,
            non_temporal_from: P::Copies::NON_TEMPORAL_FROM,
            parts_past_the_cache: P::Copies::PARTS_PAST_THE_CACHE,
            past_is_cached: <P::Copies as Copies>::NonTemporal::CACHED,
        }
    }

    /// Whether there is anything to flush.
    #[inline(always)]
    pub(super) fn is_flushed(&self) -> bool {
        self.granularity != Granularity::Byte
    }
}

/// How the planner stores and flushes.
pub(crate) trait Means: Copy {
    fn knobs(&self) -> &Knobs;

    /// Stores the `len` bytes of `source` from offset `at`, past the cache if `PAST`, in a copy
    /// that starts at `dest`. (Were it an argument, a compiler could make a pointer of it.)
    ///
    /// # Safety
    /// As for [`Source::store`].
    unsafe fn store<S: Source, const PAST: bool>(
        self,
        source: S,
        dest: *mut u8,
        at: usize,
        len: usize,
    );

    /// # Safety
    /// As for [`Primitives::flush`].
    unsafe fn flush(self, ptr: *const u8, len: usize);
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

impl<P: Primitives> Means for Direct<P> {
    #[inline(always)]
    fn knobs(&self) -> &Knobs {
        const { &Knobs::of::<P>() }
    }

    #[inline(always)]
    unsafe fn store<S: Source, const PAST: bool>(
        self,
        source: S,
        dest: *mut u8,
        at: usize,
        len: usize,
    ) {
        // SAFETY: the caller's.
        unsafe {
            if PAST {
                source.store::<<P::Copies as Copies>::NonTemporal>(dest, at, len);
            } else {
                source.store::<<P::Copies as Copies>::Temporal>(dest, at, len);
            }
        }
    }

    #[inline(always)]
    unsafe fn flush(self, ptr: *const u8, len: usize) {
        // SAFETY: the caller's.
        unsafe { P::flush(ptr, len) }
    }
}

/// By pointers.
#[derive(Debug)]
pub(crate) struct Shared {
    knobs: Knobs,
    through: Pointers,
    past: Pointers,
    flush: FlushFn,
}

impl Shared {
    pub(crate) const fn of<P: Primitives>() -> Self {
        Self {
            knobs: Knobs::of::<P>(),
            through: Pointers::to::<<P::Copies as Copies>::Temporal>(),
            past: Pointers::to::<<P::Copies as Copies>::NonTemporal>(),
            flush: table::flush::<P>,
        }
    }
}

impl Means for &Shared {
    #[inline(always)]
    fn knobs(&self) -> &Knobs {
        &self.knobs
    }

    #[inline(always)]
    unsafe fn store<S: Source, const PAST: bool>(
        self,
        source: S,
        dest: *mut u8,
        at: usize,
        len: usize,
    ) {
        let pointers = if PAST { &self.past } else { &self.through };
        // SAFETY: the caller's.
        unsafe { source.store_by(pointers, dest, at, len) }
    }

    #[inline(always)]
    unsafe fn flush(self, ptr: *const u8, len: usize) {
        if self.knobs.is_flushed() {
            // SAFETY: the caller's.
            unsafe { (self.flush)(ptr, len) }
        }
    }
}
