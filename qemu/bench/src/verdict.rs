//! Whether the goals were reached: the worst case of each, the noise, and what the bare
//! instructions reach.

use std::fmt;

use crate::{
    goals::{Beside, GOALS, Goal},
    report::{Measured, Report},
    times::Who,
};

/// What the marks of a [`Verdict`] mean.
pub const LEGEND: &str = "ok: reached; even: over it, but within the noise of the rounds; bare: over it, but so are the bare instructions; MISS: over it";

/// A goal, as the worst case that counts for it.
#[derive(Debug)]
pub struct Verdict {
    what: String,
    /// None if no case was measured.
    worst: Option<Figure>,
    /// All cases that count; those over the limit; those over it beyond the noise; those where the
    /// bare instructions are, too.
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

impl Figure {
    fn is_surely_over(&self, limit: f64) -> bool {
        self.figure > limit && self.at_least > limit
    }
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

/// Every goal of a report.
pub fn verdicts(report: &Report) -> impl Iterator<Item = Verdict> {
    GOALS.iter().map(|goal| goal.verdict(report))
}

impl Goal {
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
            surely: count(&|f| f.is_surely_over(*limit)),
            bare: count(&|f| f.is_surely_over(*limit) && f.bare > *limit),
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
