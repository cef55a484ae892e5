//! How a table copies and fills: which stores, from which size on, and what is flushed.

use crate::{
    Flags, Granularity, Primitives,
    flags::Kind,
    source::{Fill, Move, Source},
    stores::{Stores, WORD},
};

/// The choices that a copy makes: a type for each CPU, or each map, that is tuned differently.
///
/// ```
/// use kpmem::{Copies, Lines, Table, arch};
///
/// /// Past the cache from 256 bytes on.
/// struct Mine;
///
/// impl Copies for Mine {
///     type Temporal = <arch::LineCopies as Copies>::Temporal;
///     type NonTemporal = <arch::LineCopies as Copies>::NonTemporal;
///     const NON_TEMPORAL_FROM: usize = 256;
/// }
///
/// # #[cfg(target_arch = "x86_64")]
/// static MINE: Table = Table::of::<Lines<arch::Clwb, 64, Mine>>();
/// ```
pub trait Copies {
    /// Through the cache. Must be [`CACHED`](Stores::CACHED).
    type Temporal: Stores;
    /// Past the cache, where the CPU can.
    type NonTemporal: Stores;
    /// Copies and fills without flags go past the cache if they have at least as many bytes.
    const NON_TEMPORAL_FROM: usize;
}

/// The most bytes that are stored before their lines are flushed: more, and the first of them may have left the nearest cache.
const CHUNK: usize = 4096;

/// [`Primitives::memmove`] by the stores of `C`.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn memmove<P: Primitives, C: Copies>(
    dest: *mut u8,
    src: *const u8,
    len: usize,
    flags: Flags,
) {
    // SAFETY: the caller's.
    unsafe { run::<P, C>(dest, len, Move::new(dest, src, len), flags) }
}

/// [`Primitives::memset`] by the stores of `C`.
///
/// # Safety
/// As there.
#[inline(always)]
pub(crate) unsafe fn memset<P: Primitives, C: Copies>(
    dest: *mut u8,
    byte: u8,
    len: usize,
    flags: Flags,
) {
    // SAFETY: the caller's.
    unsafe { run::<P, C>(dest, len, Fill::new(byte), flags) }
}

/// # Safety
/// As for [`Primitives::memmove`].
#[inline(always)]
unsafe fn run<P: Primitives, C: Copies>(
    dest: *mut u8,
    len: usize,
    source: impl Source,
    flags: Flags,
) {
    const { assert!(C::Temporal::CACHED, "temporal stores go to the cache") };
    // SAFETY: the caller's.
    unsafe {
        if flags.contains(Flags::NOFLUSH) {
            return source.store::<C::Temporal>(dest, 0, len);
        }
        let past_the_cache = match flags.kind() {
            Kind::NonTemporal => true,
            Kind::Temporal => false,
            Kind::Default => len >= C::NON_TEMPORAL_FROM,
        };
        if !past_the_cache {
            cached::<P, C::Temporal>(dest, 0, len, source);
        } else if C::NonTemporal::CACHED {
            cached::<P, C::NonTemporal>(dest, 0, len, source);
        } else {
            uncached::<P, C>(dest, len, source);
        }
    }
    if !flags.contains(Flags::NODRAIN) {
        P::drain();
    }
}

/// Stores `len` bytes from offset `at` through the cache and flushes each line once, chunk by chunk.
///
/// # Safety
/// As for [`Source::store`].
#[inline(never)]
unsafe fn cached<P: Primitives, S: Stores>(
    dest: *mut u8,
    at: usize,
    len: usize,
    source: impl Source,
) {
    const { assert!(CHUNK % P::LINE == 0, "chunks part no line") };
    let (mut at, mut rest) = (at, len);
    while rest != 0 {
        let start = dest.addr().wrapping_add(at);
        let part = match P::GRANULARITY {
            // Where there are no lines, there is nothing to interleave.
            Granularity::Byte | Granularity::Page => rest,
            Granularity::CacheLine if rest <= CHUNK => rest,
            Granularity::CacheLine if source.descending() => {
                start.wrapping_add(rest - 1) % CHUNK + 1
            }
            Granularity::CacheLine => CHUNK - start % CHUNK,
        };
        rest -= part;
        let first = if source.descending() { at + rest } else { at };
        // SAFETY: the part is inside the range.
        unsafe {
            source.store::<S>(dest, first, part);
            P::flush(dest.add(first), part);
        }
        if !source.descending() {
            at += part;
        }
    }
}

/// Stores whole words past the cache. Where the range begins or ends inside a word, that line goes through the cache and is flushed:
/// it costs one flush, and no line is stored to in both ways.
///
/// # Safety
/// As for [`Source::store`].
#[inline(always)]
unsafe fn uncached<P: Primitives, C: Copies>(dest: *mut u8, len: usize, source: impl Source) {
    let line = P::LINE.max(WORD);
    let (start, end) = (dest.addr(), dest.addr().wrapping_add(len));
    let head = match start % WORD {
        0 => 0,
        _ => (line - start % line).min(len),
    };
    let tail = match end % WORD {
        0 => 0,
        _ => (end % line).min(len - head),
    };
    // SAFETY: the three parts make up the range.
    unsafe {
        let first = || cached::<P, C::Temporal>(dest, 0, head, source);
        let middle = || source.store::<C::NonTemporal>(dest, head, len - head - tail);
        let last = || cached::<P, C::Temporal>(dest, len - tail, tail, source);
        if source.descending() {
            last();
            middle();
            first();
        } else {
            first();
            middle();
            last();
        }
    }
}
