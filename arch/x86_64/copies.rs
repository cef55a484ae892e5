//! Which stores a table's copies are made of. Measured on AMD Zen 4; see `cargo xtask bench`.

use core::marker::PhantomData;

use super::{Clzero, Movdir64b, Movnti, RepMovsq};
use crate::{Copies, Stores};

/// From these sizes on, the loops of the microcode beat `mov`.
type Cached = RepMovsq<384, 384>;

/// Up to this size, writing a line back while the next is stored beats the loops of the microcode.
const BY_LINE: usize = 256;

/// Cache-line granularity: past the cache by `N` unless the flags say otherwise, since it spares
/// the flush.
#[derive(Clone, Copy, Debug)]
pub struct PastCache<N>(PhantomData<N>);

impl<N: Stores> Copies for PastCache<N> {
    type Temporal = Cached;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 0;
    const BY_LINE_UP_TO: usize = BY_LINE;
}

/// Cache-line granularity on any CPU.
pub type LineCopies = PastCache<Movnti>;
/// [`LineCopies`] on a CPU with `clzero`.
pub type ClzeroCopies = PastCache<Clzero<1024>>;
/// [`LineCopies`] on a CPU with `movdir64b`.
pub type Movdir64bCopies = PastCache<Movdir64b>;

/// Byte granularity: through the cache by `T`, which is durable, up to a size that would displace
/// all else in it; then past it by `N`.
#[derive(Clone, Copy, Debug)]
pub struct DurableCache<T, N>(PhantomData<(T, N)>);

impl<T: Stores, N: Stores> Copies for DurableCache<T, N> {
    type Temporal = T;
    type NonTemporal = N;
    const NON_TEMPORAL_FROM: usize = 4 << 20;
    const BY_LINE_UP_TO: usize = BY_LINE;
}

/// Byte granularity on any CPU.
pub type ByteCopies = DurableCache<Cached, Movnti>;

/// Through the cache at any size and with any flags: for page granularity, where the hook finds the
/// bytes in memory.
#[derive(Clone, Copy, Debug)]
pub struct PlainCopies;

impl Copies for PlainCopies {
    type Temporal = Cached;
    type NonTemporal = Cached;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
    const BY_LINE_UP_TO: usize = BY_LINE;
}
