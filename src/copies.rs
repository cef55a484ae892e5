//! How a table copies and fills: which stores, from which size on, and what is flushed.

use crate::{
    Flags, Granularity, Primitives,
    flags::Kind,
    flushing::{COMBINED, Flushing},
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
    /// Whole words through the cache: up to so many bytes, each line is written back before the
    /// next is stored; more go by chunks. Each table has its own code for that, which saves a
    /// few calls. 0: by the code that tables share.
    const BY_LINE_UP_TO: usize = 0;
}

/// Where nothing is flushed, a hint to combine writes is taken from this size on: smaller copies
/// are faster through the cache.
const COMBINING_FROM: usize = 8192;

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
    unsafe { run::<P, C, _>(dest, len, Move::new(dest, src, len), flags) }
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
    unsafe { run::<P, C, _>(dest, len, Fill::new(byte), flags) }
}

/// # Safety
/// As for [`Primitives::memmove`].
#[inline(always)]
unsafe fn run<P: Primitives, C: Copies, S: Source>(
    dest: *mut u8,
    len: usize,
    source: S,
    flags: Flags,
) {
    // SAFETY: the caller's.
    unsafe {
        if are_words(dest, len, source) {
            let past_the_cache = match flags {
                _ if flags.is_empty() => Some(len >= C::NON_TEMPORAL_FROM),
                Flags::TEMPORAL => Some(false),
                _ => None,
            };
            match (past_the_cache, P::GRANULARITY) {
                (Some(true), _) if !C::NonTemporal::CACHED => {
                    source.words::<C::NonTemporal>(dest, 0, len / WORD);
                    return P::drain();
                }
                (Some(false), Granularity::Byte) => {
                    source.words::<C::Temporal>(dest, 0, len / WORD);
                    return P::drain();
                }
                (Some(false), Granularity::CacheLine) if C::BY_LINE_UP_TO != 0 => {
                    // A commit word.
                    if len == WORD {
                        source.words::<C::Temporal>(dest, 0, 1);
                        P::flush(dest, 1);
                        return P::drain();
                    }
                    return cached_words::<P, C, S>(dest, len, source);
                }
                _ => {}
            }
        }
        if store::<C, S>(dest, len, source, flags, const { &Flushing::of::<P>() }) {
            P::drain();
        }
    }
}

/// Whether a copy is of whole words in ascending order.
#[inline(always)]
fn are_words(dest: *mut u8, len: usize, source: impl Source) -> bool {
    (dest.addr() | len) % WORD == 0 && !source.descending()
}

/// [`cached`], for whole words in ascending order, with the drain: nothing is called but what is in
/// line.
///
/// # Safety
/// As for [`Primitives::memmove`].
#[inline(never)]
unsafe fn cached_words<P: Primitives, C: Copies, S: Source>(dest: *mut u8, len: usize, source: S) {
    let lines = const { &Flushing::of::<P>() };
    let chunk = match len <= C::BY_LINE_UP_TO {
        true => lines.size,
        false => lines.chunk,
    };
    let (mut stored, mut flushed) = (0, 0);
    while stored < len {
        // SAFETY: the parts are inside the range.
        unsafe {
            let part = chunk.min(len - stored);
            source.words::<C::Temporal>(dest, stored, part / WORD);
            stored += part;
            // The line that the next part begins in is flushed with it.
            let whole = match stored == len {
                true => len,
                false => stored - lines.in_line(dest.addr() + stored),
            };
            P::flush(dest.add(flushed), whole - flushed);
            flushed = whole;
        }
    }
    P::drain();
}

/// Stores and flushes: all but the drain, which it says whether to do.
///
/// # Safety
/// As for [`Primitives::memmove`].
#[inline(never)]
unsafe fn store<C: Copies, S: Source>(
    dest: *mut u8,
    len: usize,
    source: S,
    flags: Flags,
    lines: &Flushing,
) -> bool {
    const { assert!(C::Temporal::CACHED, "temporal stores go to the cache") };
    let flags = flags.or_none();
    let no_flush = flags.contains(Flags::NOFLUSH);
    let past_the_cache = match flags.kind() {
        _ if no_flush => false,
        Kind::Temporal => false,
        Kind::Default => len >= C::NON_TEMPORAL_FROM,
        // What spares no flush must be worth the wait for the memory.
        Kind::NonTemporal => lines.flush.is_some() || len > COMBINED,
        Kind::Combining => lines.flush.is_some() || len >= COMBINING_FROM,
    };
    // SAFETY: the caller's.
    unsafe {
        if !past_the_cache && (no_flush || len <= lines.chunk) {
            match C::BY_LINE_UP_TO == 0 && are_words(dest, len, source) {
                true => source.words::<C::Temporal>(dest, 0, len / WORD),
                false => source.store::<C::Temporal>(dest, 0, len),
            }
            if !no_flush {
                lines.flush(dest, len);
            }
        } else if !past_the_cache {
            cached::<C::Temporal, S>(dest, len, source, lines);
        } else if C::NonTemporal::CACHED {
            cached::<C::NonTemporal, S>(dest, len, source, lines);
        } else {
            uncached::<C, S>(dest, len, source, lines);
        }
    }
    !flags.intersects(Flags::NODRAIN.union(Flags::NOFLUSH))
}

/// Stores through the cache and flushes each line once, chunk by chunk.
///
/// # Safety
/// As for [`Source::store`].
#[inline(never)]
unsafe fn cached<T: Stores, S: Source>(dest: *mut u8, len: usize, source: S, lines: &Flushing) {
    let (mut from, mut to) = (0, len);
    while from != to {
        let (start, end) = (dest.addr().wrapping_add(from), dest.addr().wrapping_add(to));
        // A chunk begins and ends with a line, but for the first and the last.
        let (first, part) = match source.descending() {
            _ if to - from <= lines.chunk => (from, to - from),
            false => (from, lines.chunk - lines.in_line(start)),
            true => {
                let part = lines.chunk - lines.size + lines.in_line(end.wrapping_sub(1)) + 1;
                (to - part, part)
            }
        };
        // SAFETY: the part is inside the range.
        unsafe {
            source.store::<T>(dest, first, part);
            lines.flush(dest.add(first), part);
        }
        match source.descending() {
            false => from += part,
            true => to -= part,
        }
    }
}

/// Stores whole words past the cache. Where the range begins or ends inside a word, that line goes
/// through the cache and is flushed: it costs one flush, and no line is stored to in both ways.
///
/// # Safety
/// As for [`Source::store`].
#[inline(always)]
unsafe fn uncached<C: Copies, S: Source>(dest: *mut u8, len: usize, source: S, lines: &Flushing) {
    let (start, end) = (dest.addr(), dest.addr().wrapping_add(len));
    let head = match start % WORD {
        0 => 0,
        _ => (lines.size - lines.in_line(start)).min(len),
    };
    let tail = match end % WORD {
        0 => 0,
        _ => lines.in_line(end).min(len - head),
    };
    // SAFETY: the parts are inside the range.
    let edge = |at, len| unsafe {
        if len != 0 {
            source.store::<C::Temporal>(dest, at, len);
            lines.flush(dest.add(at), len);
        }
    };
    let (first, last) = (|| edge(0, head), || edge(len - tail, tail));
    let middle = len - head - tail;
    let apart = source.is_apart(dest, len);
    // SAFETY: the three parts make up the range, in an order that stores over nothing that is still
    // to be loaded.
    unsafe {
        if head | tail != 0 {
            // Both lines can be on their way while the first is stored.
            C::Temporal::prepare(dest);
            C::Temporal::prepare(dest.add(len - 1));
        }
        if source.descending() {
            last();
            source.store::<C::NonTemporal>(dest, head, middle);
            return first();
        }
        first();
        // What is past the cache need not wait for the lines that are fetched.
        if apart {
            last();
        }
        source.words::<C::NonTemporal>(dest, head, middle / WORD);
        if !apart {
            last();
        }
    }
}
