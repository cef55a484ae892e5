//! The numbers to reach.

use crate::{report::Measured, times::Who};

/// A number to reach.
#[derive(Debug)]
pub struct Goal {
    pub what: &'static str,
    pub limit: f64,
    pub who: Who,
    pub beside: Beside,
    pub counts: fn(&Measured) -> bool,
}

/// What a time is put beside.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    /// As a multiple of the bare instructions'.
    Raw,
    /// By how many nanoseconds it exceeds theirs.
    MoreThanRaw,
    /// As a multiple of libpmem2's.
    Peer,
    /// As a multiple of libpmem2's with the flags that are fastest there.
    BestOfPeer,
}

fn is_line(c: &Measured) -> bool {
    c.granularity == "cache-line"
}

/// A copy or fill of cache-line granularity with default flags, to an aligned destination.
fn is_plain(c: &Measured, name: &str) -> bool {
    c.name == name && is_line(c) && c.flags == "default" && c.align == 0
}

/// A copy to a destination 8 bytes after a line.
fn is_beside(c: &Measured) -> bool {
    let small = (64..=1024).contains(&c.size);
    c.name == "memcpy" && is_line(c) && c.flags == "default" && c.align == 8 && small
}

fn is_byte_copy(c: &Measured) -> bool {
    let plain = c.flags == "default" && c.align == 0;
    c.name == "memcpy" && !is_line(c) && plain && c.size <= 4096
}

fn is_stream(c: &Measured) -> bool {
    is_plain(c, "memcpy") && c.size >= 256 && c.placement == "cold"
}

fn is_zeroing(c: &Measured) -> bool {
    is_plain(c, "memset") && c.size >= 4096
}

fn is_fence(c: &Measured) -> bool {
    c.name == "drain" || c.name == "persist" && !is_line(c)
}

fn is_persist(c: &Measured) -> bool {
    c.name == "persist" && is_line(c)
}

/// All of them.
pub const GOALS: &[Goal] = &[
    Goal::new(
        "persist, dispatched",
        1.02,
        Who::Kpmem,
        Beside::Raw,
        is_persist,
    ),
    Goal::new("persist, fixed", 1.02, Who::Fixed, Beside::Raw, is_persist),
    Goal::new(
        "drain, and persist of byte granularity",
        1.0,
        Who::Kpmem,
        Beside::MoreThanRaw,
        is_fence,
    ),
    Goal::new(
        "the same, fixed",
        0.5,
        Who::Fixed,
        Beside::MoreThanRaw,
        is_fence,
    ),
    Goal::new(
        "memcpy of 8 to 128 bytes, cold or random",
        0.65,
        Who::Kpmem,
        Beside::Peer,
        |c| is_plain(c, "memcpy") && c.size <= 128 && c.placement != "hot",
    ),
    Goal::new(
        "memcpy of 64 to 1024 bytes to +8, cold or random",
        0.77,
        Who::Kpmem,
        Beside::BestOfPeer,
        |c| is_beside(c) && c.placement != "hot",
    ),
    Goal::new("the same, hot", 0.77, Who::Kpmem, Beside::BestOfPeer, |c| {
        is_beside(c) && c.placement == "hot"
    }),
    Goal::new(
        "memcpy of 256 bytes to 4 MiB, sequential",
        1.08,
        Who::Kpmem,
        Beside::Peer,
        is_stream,
    ),
    Goal::new(
        "the same, by vectors",
        1.0,
        Who::Vector,
        Beside::Peer,
        is_stream,
    ),
    Goal::new(
        "memcpy and read back, TEMPORAL",
        1.0,
        Who::Kpmem,
        Beside::Peer,
        |c| c.name == "memcpy+read" && is_line(c) && c.flags == "TEMPORAL",
    ),
    Goal::new(
        "zeroing from 4 KiB, beside movnti",
        0.6,
        Who::Kpmem,
        Beside::Raw,
        |c| is_zeroing(c) && c.placement != "hot",
    ),
    Goal::new(
        "zeroing from 4 KiB",
        1.02,
        Who::Kpmem,
        Beside::Peer,
        is_zeroing,
    ),
    Goal::new(
        "the same, by vectors",
        1.02,
        Who::Vector,
        Beside::Peer,
        is_zeroing,
    ),
    Goal::new(
        "byte granularity, 8 bytes to 4 KiB, cold",
        0.85,
        Who::Kpmem,
        Beside::Peer,
        |c| is_byte_copy(c) && c.placement == "cold",
    ),
    Goal::new("the same, random", 0.85, Who::Kpmem, Beside::Peer, |c| {
        is_byte_copy(c) && c.placement == "random"
    }),
    Goal::new("the same, hot", 0.85, Who::Kpmem, Beside::Peer, |c| {
        is_byte_copy(c) && c.placement == "hot"
    }),
    Goal::new(
        "byte granularity, by vectors",
        0.85,
        Who::Vector,
        Beside::Peer,
        is_byte_copy,
    ),
];

/// Whether a goal counts this case.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub fn count(case: &Measured) -> bool {
    GOALS.iter().any(|goal| (goal.counts)(case))
}

impl Goal {
    const fn new(
        what: &'static str,
        limit: f64,
        who: Who,
        beside: Beside,
        counts: fn(&Measured) -> bool,
    ) -> Self {
        Self {
            what,
            limit,
            who,
            beside,
            counts,
        }
    }
}
