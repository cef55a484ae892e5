//! The three granularities, as C's numbers and by their names, and which of them a mapping has.

use std::env;

use kpmem::Granularity;

use crate::{codes, failure::Result, source::Backing, sysfs::Sysfs};

pub(crate) fn from_c(number: u32) -> Result<Granularity> {
    match number {
        0 => Ok(Granularity::Byte),
        1 => Ok(Granularity::CacheLine),
        2 => Ok(Granularity::Page),
        _ => Err(codes::GRANULARITY_NOT_SUPPORTED.into()),
    }
}

pub(crate) fn to_c(granularity: Granularity) -> u32 {
    match granularity {
        Granularity::Byte => 0,
        Granularity::CacheLine => 1,
        _ => 2,
    }
}

/// How a source was mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) private: bool,
    /// Stores go to the persistent memory itself, and what the file system knows of it is durable.
    pub(crate) direct: bool,
}

/// What a mapping needs: the finest that is right.
pub(crate) fn of(backing: Backing, manner: Manner) -> Granularity {
    if manner.private || backing == Backing::Anonymous {
        // Nothing of it outlives the program, so nothing must be written back.
        return Granularity::Byte;
    }
    if let Some(forced) = forced() {
        return forced;
    }
    if !manner.direct {
        return Granularity::Page;
    }
    let sysfs = Sysfs::system();
    let region = sysfs.region_of(backing);
    if sysfs.caches_are_flushed(region.as_deref()) {
        return Granularity::Byte;
    }
    // The kernel writes lines back where a program cannot: by msync.
    kpmem::selected().map_or(Granularity::Page, |_| Granularity::CacheLine)
}

/// What a tester asked for.
fn forced() -> Option<Granularity> {
    let value = env::var("PMEM2_FORCE_GRANULARITY").ok()?;
    [
        ("BYTE", Granularity::Byte),
        ("CACHE_LINE", Granularity::CacheLine),
        ("PAGE", Granularity::Page),
    ]
    .into_iter()
    .find_map(|(name, granularity)| value.eq_ignore_ascii_case(name).then_some(granularity))
}
