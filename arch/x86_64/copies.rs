//! Which stores a table's copies are made of. Measured on AMD Zen 4; see `cargo xtask bench`.

use super::{Clzero, Movdir64b, Movnti, RepMovsq};
use crate::Copies;

/// From these sizes on, the loops of the microcode beat `mov`.
type Cached = RepMovsq<384, 384>;

/// Up to this size, writing a line back while the next is stored beats the loops of the microcode.
const BY_LINE: usize = 256;

/// Cache-line granularity on any CPU: `movnti` unless the flags say otherwise, since it spares the flush.
#[derive(Clone, Copy, Debug)]
pub struct LineCopies;

impl Copies for LineCopies {
    type Temporal = Cached;
    type NonTemporal = Movnti;
    const NON_TEMPORAL_FROM: usize = 0;
    const BY_LINE_UP_TO: usize = BY_LINE;
}

/// [`LineCopies`] on a CPU with `clzero`.
#[derive(Clone, Copy, Debug)]
pub struct ClzeroCopies;

impl Copies for ClzeroCopies {
    type Temporal = Cached;
    type NonTemporal = Clzero<1024>;
    const NON_TEMPORAL_FROM: usize = 0;
    const BY_LINE_UP_TO: usize = BY_LINE;
}

/// [`LineCopies`] on a CPU with `movdir64b`.
#[derive(Clone, Copy, Debug)]
pub struct Movdir64bCopies;

impl Copies for Movdir64bCopies {
    type Temporal = Cached;
    type NonTemporal = Movdir64b;
    const NON_TEMPORAL_FROM: usize = 0;
    const BY_LINE_UP_TO: usize = BY_LINE;
}

/// Byte granularity: through the cache, which is durable, up to a size that would displace all else in it.
#[derive(Clone, Copy, Debug)]
pub struct ByteCopies;

impl Copies for ByteCopies {
    type Temporal = Cached;
    type NonTemporal = Movnti;
    const NON_TEMPORAL_FROM: usize = 4 << 20;
    const BY_LINE_UP_TO: usize = BY_LINE;
}

/// Through the cache at any size and with any flags: for page granularity, where the hook finds the bytes in memory.
#[derive(Clone, Copy, Debug)]
pub struct PlainCopies;

impl Copies for PlainCopies {
    type Temporal = Cached;
    type NonTemporal = Cached;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
    const BY_LINE_UP_TO: usize = BY_LINE;
}
