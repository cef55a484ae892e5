//! The planner of copies and fills: which bytes go through the cache and which past it, in what
//! order, and when their lines are flushed.
//!
//! A copy is planned in three steps, each a function here:
//!
//! 1. [`run`]: whole words with plain flags go by code in line; all else goes to [`store`].
//! 2. [`store`]: flags, size and [`Copies`] choose between [`cached`] and [`uncached`].
//! 3. [`cached`] cuts the range into chunks that begin with a line, and flushes each once it is
//!    stored. [`uncached`] stores whole words past the cache and only flushes the lines in which
//!    the range begins or ends inside a word.
//!
//! Where the bytes come from is a [`Source`]; the instructions are
//! [`Stores`](crate::tuning::Stores); [`Means`] are how the planner reaches them, and the flush.

mod means;
mod pieces;
mod source;
pub(crate) mod stores;

pub(crate) use means::{Direct, Means, Shared};
pub(crate) use stores::WORD;

use crate::{
    Flags, Granularity, Primitives, arch,
    flags::Kind,
    tuning::{Copies, Stores},
};
use source::{Fill, Move, Source, Words};

/// Bytes that a CPU collects before it stores them past the cache.
pub(crate) const COMBINED: usize = 64;

/// Where nothing is flushed, a hint to combine writes is taken from this size on: smaller copies
/// are faster through the cache.
const COMBINING_FROM: usize = 2048;

/// Copies `len` bytes from `src` to `dest`, which may overlap, and makes them durable as `flags`
/// say. Unknown or contradictory flags count as none.
///
/// # Safety
/// `src` must be valid for reads, `dest` for writes that nothing else reads or writes meanwhile,
/// and neither may wrap past 2^64.
#[inline(always)]
pub(crate) unsafe fn memmove<P: Primitives, M: Means>(
    dest: *mut u8,
    src: *const u8,
    len: usize,
    flags: Flags,
    means: M,
) {
    // SAFETY: the caller's.
    unsafe { run::<P, _, M>(dest, len, Move::new(dest, src, len), flags, means) }
}

/// Stores `byte` to `len` bytes at `dest`, and makes them durable as `flags` say. Unknown or
/// contradictory flags count as none.
///
/// # Safety
/// As for [`memmove`].
#[inline(always)]
pub(crate) unsafe fn memset<P: Primitives, M: Means>(
    dest: *mut u8,
    byte: u8,
    len: usize,
    flags: Flags,
    means: M,
) {
    // SAFETY: the caller's.
    unsafe { run::<P, _, M>(dest, len, Fill::new(byte), flags, means) }
}

/// # Safety
/// As for [`memmove`].
#[inline(always)]
unsafe fn run<P: Primitives, S: Source, M: Means>(
    dest: *mut u8,
    len: usize,
    source: S,
    flags: Flags,
    means: M,
) {
    // SAFETY: the caller's.
    unsafe {
        let plain = Flags::TEMPORAL.union(Flags::WB).contains(flags);
        let past = flags.is_empty() && len >= P::Copies::NON_TEMPORAL_FROM;
        let drain = if plain
            && are_words(dest, len, source)
            && words_in_line::<P, S>(dest, len, source, past)
        {
            true
        } else {
            store(dest, len, source, flags, means)
        };
        if drain {
            P::drain();
        }
    }
}

/// Whether a copy is of whole words in ascending order.
#[inline(always)]
fn are_words(dest: *mut u8, len: usize, source: impl Source) -> bool {
    (dest.addr() | len) % WORD == 0 && !source.descending()
}

/// Stores whole words, and flushes them, by code in line: nothing is called. False, and nothing is
/// done, where that does not pay.
///
/// # Safety
/// As for [`memmove`], for whole words in ascending order.
#[inline(always)]
unsafe fn words_in_line<P: Primitives, S: Source>(
    dest: *mut u8,
    len: usize,
    source: S,
    past: bool,
) -> bool {
    let whole = P::Copies::PARTS_PAST_THE_CACHE || (dest.addr() | len) % COMBINED == 0;
    // SAFETY: the caller's.
    unsafe {
        match P::GRANULARITY {
            _ if past && !<P::Copies as Copies>::NonTemporal::CACHED => {
                if whole {
                    source.words::<<P::Copies as Copies>::NonTemporal>(dest, 0, len / WORD);
                }
                whole
            }
            Granularity::Byte if !past => {
                source.words::<<P::Copies as Copies>::Temporal>(dest, 0, len / WORD);
                true
            }
            Granularity::CacheLine if !past && P::Copies::IN_LINE => {
                if len == WORD {
                    // A commit word.
                    source.words::<<P::Copies as Copies>::Temporal>(dest, 0, 1);
                    P::flush(dest, WORD);
                } else {
                    cached_words::<P, S>(dest, len, source);
                }
                true
            }
            _ => false,
        }
    }
}

/// [`cached`] for whole words in ascending order. Not in line, so that a commit word saves no
/// register for it.
///
/// # Safety
/// As for [`memmove`].
#[inline(never)]
unsafe fn cached_words<P: Primitives, S: Source>(dest: *mut u8, len: usize, source: S) {
    let means = Direct::<P>::new();
    let chunk = if len <= P::Copies::BY_LINE_UP_TO {
        means.knobs().line
    } else {
        means.knobs().chunk
    };
    // SAFETY: the caller's.
    unsafe { cached::<_, _, false>(dest, len, Words(source), chunk, means) }
}

/// Stores and flushes: all but the drain, which it says whether to do.
///
/// # Safety
/// As for [`memmove`].
#[inline(never)]
unsafe fn store<S: Source, M: Means>(
    dest: *mut u8,
    len: usize,
    source: S,
    flags: Flags,
    means: M,
) -> bool {
    let (flags, knobs) = (flags.or_none(), means.knobs());
    let no_flush = flags.contains(Flags::NOFLUSH);
    let past = match flags.kind() {
        _ if no_flush => false,
        Kind::Temporal => false,
        Kind::Default => len >= knobs.non_temporal_from,
        // What spares no flush must be worth the wait for the memory.
        Kind::NonTemporal => knobs.is_flushed() || len > COMBINED,
        Kind::Combining => knobs.is_flushed() || len >= COMBINING_FROM,
    };
    // SAFETY: the caller's.
    unsafe {
        if !past && (no_flush || len <= knobs.chunk) {
            prepare_ends(dest, len);
            means.store::<_, false>(source, dest, 0, len);
            if !no_flush {
                means.flush(dest, len);
            }
        } else if !past {
            cached::<_, _, false>(dest, len, source, knobs.chunk, means);
        } else if knobs.past_is_cached {
            cached::<_, _, true>(dest, len, source, knobs.chunk, means);
        } else {
            uncached(dest, len, source, means);
        }
    }
    !flags.intersects(Flags::NODRAIN.union(Flags::NOFLUSH))
}

/// The lines in which a copy begins and ends can be on their way while it is stored.
#[inline(always)]
fn prepare_ends(dest: *mut u8, len: usize) {
    if len != 0 {
        arch::prepare(dest);
        arch::prepare(dest.wrapping_add(len - 1));
    }
}

/// Stores through the cache and flushes each line once, chunk by chunk. A chunk of at most `chunk`
/// bytes, whole lines, begins and ends with a line, but for the first and the last.
///
/// # Safety
/// As for [`Source::store`].
#[inline(always)]
unsafe fn cached<S: Source, M: Means, const PAST: bool>(
    dest: *mut u8,
    len: usize,
    source: S,
    chunk: usize,
    means: M,
) {
    let line = means.knobs().line;
    let in_line = |at: usize| dest.addr().wrapping_add(at) & (line - 1);
    let (mut from, mut to) = (0, len);
    while from != to {
        let (first, part) = if to - from <= chunk {
            (from, to - from)
        } else if source.descending() {
            let part = chunk - line + in_line(to - 1) + 1;
            (to - part, part)
        } else {
            (from, chunk - in_line(from))
        };
        // SAFETY: the part is inside the range.
        unsafe {
            means.store::<_, PAST>(source, dest, first, part);
            means.flush(dest.add(first), part);
        }
        if source.descending() {
            to -= part;
        } else {
            from += part;
        }
    }
}

/// Stores past the cache. Where the range begins or ends inside a word, or inside a line if parts
/// of lines do not go past the cache, that line goes through the cache and is flushed: it costs one
/// flush, and no line is stored to in both ways.
///
/// # Safety
/// As for [`Source::store`].
#[inline(always)]
unsafe fn uncached<S: Source, M: Means>(dest: *mut u8, len: usize, source: S, means: M) {
    // Powers of two: masks, as a remainder would be a division.
    let (line, start) = (means.knobs().line, dest.addr());
    let end = start.wrapping_add(len);
    let whole = if means.knobs().parts_past_the_cache {
        WORD
    } else {
        line
    };
    let head = if start & (whole - 1) == 0 {
        0
    } else {
        (line - (start & (line - 1))).min(len)
    };
    let tail = if end & (whole - 1) == 0 {
        0
    } else {
        (end & (line - 1)).min(len - head)
    };
    // SAFETY: the parts are inside the range.
    let edge = |at, len| unsafe {
        if len != 0 {
            means.store::<_, false>(source, dest, at, len);
            means.flush(dest.add(at), len);
        }
    };
    let (first, last) = (|| edge(0, head), || edge(len - tail, tail));
    let middle = len - head - tail;
    let apart = source.is_apart(dest, len);
    // SAFETY: the three parts make up the range, in an order that stores over nothing that is still
    // to be loaded.
    unsafe {
        if head | tail != 0 {
            prepare_ends(dest, len);
        }
        if source.descending() {
            last();
            means.store::<_, true>(source, dest, head, middle);
            return first();
        }
        first();
        // What is past the cache need not wait for the lines that are fetched.
        if apart {
            last();
        }
        means.store::<_, true>(source, dest, head, middle);
        if !apart {
            last();
        }
    }
}
