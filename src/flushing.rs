//! How what a copy has stored is flushed.

use crate::{FlushFn, Granularity, Primitives, stores::WORD, table};

/// The most bytes that are stored before their lines are flushed: more, and the first of them may
/// have left the nearest cache.
const CHUNK: usize = 512;

/// Bytes that a CPU collects before it stores them past the cache.
pub(crate) const COMBINED: usize = 64;

/// How the lines of a granularity are flushed. A value and not a type, so that all tables of an
/// instruction set share one copy.
pub(crate) struct Flushing {
    /// None where there is nothing to flush.
    pub(crate) flush: Option<FlushFn>,
    /// Bytes of a line, a power of two.
    pub(crate) size: usize,
    /// The most bytes between two flushes.
    pub(crate) chunk: usize,
}

impl Flushing {
    pub(crate) const fn of<P: Primitives>() -> Self {
        Self {
            flush: match P::GRANULARITY {
                Granularity::Byte => None,
                Granularity::CacheLine | Granularity::Page => Some(table::flush::<P>),
            },
            size: if P::LINE > WORD { P::LINE } else { COMBINED },
            chunk: match P::GRANULARITY {
                Granularity::CacheLine if P::LINE > CHUNK => P::LINE,
                Granularity::CacheLine => CHUNK,
                Granularity::Byte | Granularity::Page => 1 << (usize::BITS - 1),
            },
        }
    }

    /// How far an address is into its line.
    #[inline(always)]
    pub(crate) const fn in_line(&self, address: usize) -> usize {
        address & (self.size - 1)
    }

    /// # Safety
    /// As for [`Primitives::flush`].
    #[inline(always)]
    pub(crate) unsafe fn flush(&self, ptr: *const u8, len: usize) {
        if let Some(flush) = self.flush {
            // SAFETY: the caller's.
            unsafe { flush(ptr, len) }
        }
    }
}
