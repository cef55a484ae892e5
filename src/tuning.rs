//! The knobs of copies: which stores, from which size on, and how their lines are flushed. What is
//! here has a default for each CPU; a kernel need never open it.

pub use crate::copy::stores::{Stores, Word};

/// The choices that a copy makes: a type for each CPU, or each map, that is tuned differently.
///
/// ```
/// use kpmem::{Lines, Table, arch, tuning::Copies};
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
    /// Whether parts of a line go past the cache too, word by word. Else they go through it, and
    /// the line is flushed.
    const PARTS_PAST_THE_CACHE: bool = true;
    /// The most bytes that are stored through the cache before their lines are flushed: more, and
    /// the first of them may have left the nearest cache. Rounded down to lines, but one at least.
    const CHUNK: usize = 512;
    /// Up to so many bytes of whole words in all, each line is flushed before the next is stored.
    const BY_LINE_UP_TO: usize = 0;
    /// Whether each table has its own code for whole words through the cache, which saves a few
    /// calls, or shares it with others.
    const IN_LINE: bool = false;
}
