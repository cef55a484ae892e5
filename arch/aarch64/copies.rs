//! Which stores a table's copies are made of. Nothing here was timed: there was no such CPU to time
//! it on.

use super::{Stnp, Stp};
use crate::tuning::Copies;

/// Through the cache, but for flags that say otherwise: `stnp` spares no flush.
#[derive(Clone, Copy, Debug)]
pub struct LineCopies;

impl Copies for LineCopies {
    type Temporal = Stp;
    type NonTemporal = Stnp;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
}

/// The same under byte granularity.
pub type ByteCopies = LineCopies;

/// Through the cache with any flags: for page granularity, where the hook finds the bytes in
/// memory.
#[derive(Clone, Copy, Debug)]
pub struct PlainCopies;

impl Copies for PlainCopies {
    type Temporal = Stp;
    type NonTemporal = Stp;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
}
