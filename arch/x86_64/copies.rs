//! Which stores a table's copies are made of: two tunings, as CPUs differ more than one would
//! think.
//!
//! Measured by `cargo xtask bench`. AMD's (those with `clzero`): Zen 4. All others: Intel's Emerald
//! Rapids, where a part of a line past the cache costs twice what the same bytes cost through it,
//! and where `rep movsq` waits for the flushes before it.

use core::marker::PhantomData;

use super::{Ahead, Clzero, Movdir64b, Movnti, RepMovsq};
use crate::tuning::{Copies, Stores};

/// AMD: from these sizes on, the loops of the microcode beat `mov`. More than a chunk, as a flush
/// that follows them waits longer than one that follows `mov` (Zen 1: a fill of 16 KiB to cache
/// lines takes 1.2 times as long).
type Cached = RepMovsq<768, 768>;
/// Others, where lines are flushed between stores.
type Fetched = Ahead<{ usize::MAX }, { usize::MAX }>;
/// Others, where they are not.
type FetchedRep = Ahead<256, 4096>;

/// AMD: up to this size, whole words are best flushed line by line while the next are stored.
const BY_LINE: usize = 2048;
/// From this size on, a copy would displace all else in the caches.
const ALL_OF_IT: usize = 4 << 20;

/// Cache-line granularity on AMD: past the cache by `N` unless the flags say otherwise, since it
/// spares the flush.
#[derive(Clone, Copy, Debug)]
pub struct PastCache<N>(PhantomData<N>);

impl<N: Stores> Copies for PastCache<N> {
    type Temporal = Cached;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 0;
    const BY_LINE_UP_TO: usize = BY_LINE;
    const IN_LINE: bool = true;
}

/// Cache-line granularity on others: through the cache by `T` up to a size, then past it by `N`,
/// but for parts of lines.
#[derive(Clone, Copy, Debug)]
pub struct SmallCached<N, T = Fetched>(PhantomData<(N, T)>);

impl<N: Stores, T: Stores> Copies for SmallCached<N, T> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 512;
    const PARTS_PAST_THE_CACHE: bool = false;
    const IN_LINE: bool = true;
}

/// Cache-line granularity on any CPU.
pub type LineCopies = SmallCached<Movnti>;
/// [`LineCopies`] on a CPU with `clzero`.
pub type ClzeroCopies = PastCache<Clzero<256>>;
/// [`LineCopies`] by `movdir64b`.
pub type Movdir64bCopies = SmallCached<Movdir64b>;

/// Byte granularity: through the cache by `T`, which is durable, up to a size that would displace
/// all else in it; then past it by `N`, in `PARTS` of lines or not.
#[derive(Clone, Copy, Debug)]
pub struct DurableCache<T, N, const PARTS: bool>(PhantomData<(T, N)>);

impl<T: Stores, N: Stores, const PARTS: bool> Copies for DurableCache<T, N, PARTS> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = ALL_OF_IT;
    const PARTS_PAST_THE_CACHE: bool = PARTS;
}

/// Byte granularity on any CPU.
pub type ByteCopies = DurableCache<FetchedRep, Movnti, false>;
/// [`ByteCopies`] on a CPU with `clzero`.
pub type ClzeroByteCopies = DurableCache<Cached, Clzero<256>, true>;

/// Through the cache at any size and with any flags: for page granularity, where the hook finds the
/// bytes in memory.
#[derive(Clone, Copy, Debug)]
pub struct PlainCopies;

impl Copies for PlainCopies {
    type Temporal = FetchedRep;
    type NonTemporal = FetchedRep;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
}
