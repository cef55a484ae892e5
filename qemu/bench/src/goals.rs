//! The numbers to reach, and whether they were: the worst case of each.

use std::fmt;

use crate::{
    report::{Measured, Report},
    times::Who,
};

/// What the marks of a [`Verdict`] mean.
pub const LEGEND: &str = "ok: reached; even: over it, but within the noise of the rounds; bare: over it, but so are the bare instructions; MISS: over it";

/// A number to reach.
struct Goal {
    what: &'static str,
    limit: f64,
    who: Who,
    beside: Beside,
    counts: fn(&Measured) -> bool,
}

/// What a time is put beside.
#[derive(Clone, Copy)]
enum Beside {
    /// As a multiple of the bare instructions'.
    Raw,
    /// By how many nanoseconds it exceeds theirs.
    MoreThanRaw,
    /// As a multiple of libpmem2's.
    Peer,
    /// As a multiple of libpmem2's with the flags that are fastest there.
    BestOfPeer,
}

/// A goal, as the worst case that counts for it.
#[derive(Debug)]
pub struct Verdict {
    what: String,
    /// None if no case was measured.
    worst: Option<Figure>,
    /// All cases that count; those over the limit; those over it beyond the noise; those where the bare instructions are, too.
    of: usize,
    over: usize,
    surely: usize,
    bare: usize,
}

/// A case, as a goal sees it.
#[derive(Clone, Debug)]
struct Figure {
    case: String,
    figure: f64,
    /// The figure is more than that, for all the noise.
    at_least: f64,
    /// What the bare instructions reach.
    bare: f64,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            worst,
            of,
            over,
            surely,
            bare,
        } = self;
        let Some(worst) = worst else {
            return write!(f, "  -    {what}: not measured");
        };
        let mark = match (over, surely) {
            (0, _) => "ok  ",
            (_, 0) => "even",
            _ if surely == bare => "bare",
            _ => "MISS",
        };
        let Figure {
            case,
            figure,
            bare: least,
            ..
        } = worst;
        write!(
            f,
            "  {mark} {what}: worst {figure:.3}, bare {least:.3} ({case}); {over} of {of} over"
        )?;
        match (over, bare) {
            (0, _) => Ok(()),
            (_, 0) => write!(f, ", {surely} beyond the noise"),
            _ => write!(f, ", {surely} beyond the noise, {bare} of them bare"),
        }
    }
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

const GOALS: &[Goal] = &[
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

/// Every goal of a report.
pub fn verdicts(report: &Report) -> impl Iterator<Item = Verdict> {
    GOALS.iter().map(|goal| goal.verdict(report))
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

    fn verdict(&self, report: &Report) -> Verdict {
        let Self { what, limit, .. } = self;
        let figures: Vec<_> = report
            .cases
            .iter()
            .filter(|case| (self.counts)(case))
            .filter_map(|case| self.figure(case, report))
            .collect();
        let count = |which: &dyn Fn(&Figure) -> bool| figures.iter().filter(|f| which(f)).count();
        Verdict {
            what: format!("{what}: at most {limit}{}", self.beside.unit()),
            of: figures.len(),
            over: count(&|f| f.figure > *limit),
            surely: count(&|f| f.at_least > *limit),
            bare: count(&|f| f.at_least > *limit && f.bare > *limit),
            worst: figures
                .into_iter()
                .max_by(|a, b| a.figure.total_cmp(&b.figure)),
        }
    }

    fn figure(&self, case: &Measured, report: &Report) -> Option<Figure> {
        let side = |case: &Measured, who: Who| case.times[who as usize].clone();
        let (mine, other) = (
            side(case, self.who),
            match self.beside {
                Beside::Raw | Beside::MoreThanRaw => side(case, Who::Raw),
                Beside::Peer => side(case, Who::Peer),
                Beside::BestOfPeer => side(best_of_the_peer(case, report)?, Who::Peer),
            },
        );
        let bare = match (self.who, self.beside) {
            (Who::Vector, _) => case.bare_vector_ns.or(case.bare_ns)?,
            (Who::Kpmem, Beside::MoreThanRaw) => side(case, Who::OtherRaw).median()?,
            _ => case.bare_ns?,
        };
        let figure = |mine, other| match self.beside {
            Beside::MoreThanRaw => mine - other,
            _ => mine / other,
        };
        Some(Figure {
            case: case.to_string(),
            figure: figure(mine.median()?, other.median()?),
            at_least: mine.with(&other, figure).at_least()?,
            bare: figure(bare, other.median()?),
        })
    }
}

impl Beside {
    fn unit(self) -> &'static str {
        match self {
            Self::Raw => " x raw",
            Self::MoreThanRaw => " ns over raw",
            Self::Peer => " x libpmem2",
            Self::BestOfPeer => " x libpmem2's best flags",
        }
    }
}

/// The same copy with the flags by which the peer is fastest.
fn best_of_the_peer<'a>(case: &Measured, report: &'a Report) -> Option<&'a Measured> {
    let same = |other: &&Measured| {
        (other.name, other.size, other.placement, other.align)
            == (case.name, case.size, case.placement, case.align)
            && other.granularity == case.granularity
    };
    report
        .cases
        .iter()
        .filter(same)
        .filter_map(|other| Some((other, other.peer_ns?)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(other, _)| other)
}
