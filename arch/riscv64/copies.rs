//! Which stores a table's copies are made of. Nothing here was timed: there was no such hart to
//! time it on.

use super::{CboZero, Sd};
use crate::tuning::Copies;

/// Through the cache, whatever the flags: there is no store past it.
#[derive(Clone, Copy, Debug)]
pub struct LineCopies;

impl Copies for LineCopies {
    type Temporal = Sd;
    type NonTemporal = Sd;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
}

/// The same under byte granularity.
pub type ByteCopies = LineCopies;

/// The same for page granularity.
pub type PlainCopies = LineCopies;

/// [`LineCopies`] on a hart with `cbo.zero` for blocks of `BLOCK` bytes.
#[derive(Clone, Copy, Debug)]
pub struct ZicbozCopies<const BLOCK: usize>;

impl<const BLOCK: usize> Copies for ZicbozCopies<BLOCK> {
    type Temporal = CboZero<BLOCK, 512>;
    type NonTemporal = CboZero<BLOCK, 512>;
    const NON_TEMPORAL_FROM: usize = usize::MAX;
}
