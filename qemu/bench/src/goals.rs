//! The numbers to reach, over all cells of the table: what was reached, the worst cells, the noise,
//! and what the bare instructions reach there.

use std::fmt;

use serde::Serialize;

use crate::{
    measured::{Measured, Ratio},
    times::Who,
};

/// What the marks of a [`Verdict`] mean.
pub const LEGEND: &str = "ok: reached; even: over it, but within the noise of the rounds; \
    bare: over it, but so are the bare instructions; MISS: over it";
/// So many of the worst cells are named.
const NAMED: usize = 8;

/// A number to reach.
#[derive(Clone, Copy, Debug)]
struct Goal {
    what: &'static str,
    limit: Limit,
    figure: fn(&Measured) -> Option<Ratio>,
    /// What the bare instructions reach, where that is a reason.
    bare: fn(&Measured) -> Option<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    /// Each cell is at most that.
    Each(f64),
    /// The geometric mean is.
    Mean(f64),
    /// At most such a part of the cells is more than that.
    Share(f64, f64),
}

const KERNEL: fn(&Measured) -> Option<Ratio> = |case| case.kpmem_to_peer;
const USER: fn(&Measured) -> Option<Ratio> = |case| case.vector_to_peer;
const NO_BARE: fn(&Measured) -> Option<f64> = |_| None;
const BARE: fn(&Measured) -> Option<f64> = |case| Some(case.bare_ns? / case.peer_ns?);
const BARE_VECTOR: fn(&Measured) -> Option<f64> =
    |case| Some(case.bare_vector_ns.or(case.bare_ns)? / case.peer_ns?);

const GOALS: [Goal; 9] = [
    Goal {
        what: "kernel tables, each cell beside the best bare instructions",
        limit: Limit::Each(1.05),
        figure: |case| case.kpmem_to_bare,
        bare: NO_BARE,
    },
    Goal {
        what: "kernel tables, geometric mean beside libpmem2",
        limit: Limit::Mean(0.85),
        figure: KERNEL,
        bare: BARE,
    },
    Goal {
        what: "kernel tables, cells over 1.1 x libpmem2",
        limit: Limit::Share(0.05, 1.1),
        figure: KERNEL,
        bare: BARE,
    },
    Goal {
        what: "vectors, each cell beside libpmem2",
        limit: Limit::Each(1.05),
        figure: USER,
        bare: BARE_VECTOR,
    },
    Goal {
        what: "vectors, geometric mean beside libpmem2",
        limit: Limit::Mean(0.75),
        figure: USER,
        bare: BARE_VECTOR,
    },
    Goal {
        what: "persist to cache lines, dispatched, beside raw",
        limit: Limit::Each(1.02),
        figure: |case| lines(case, Who::Kpmem),
        bare: NO_BARE,
    },
    Goal {
        what: "persist to cache lines, fixed, beside raw",
        limit: Limit::Each(1.02),
        figure: |case| lines(case, Who::Fixed),
        bare: NO_BARE,
    },
    Goal {
        what: "fences, dispatched, ns over raw",
        limit: Limit::Each(1.0),
        figure: |case| fence(case, Who::Kpmem),
        bare: |case| Some(case.bare_ns? - case.raw_ns?),
    },
    Goal {
        what: "fences, fixed, ns over raw",
        limit: Limit::Each(0.5),
        figure: |case| fence(case, Who::Fixed),
        bare: NO_BARE,
    },
];

fn lines(case: &Measured, who: Who) -> Option<Ratio> {
    (case.name == "persist" && !case.is_fence()).then(|| beside_raw(case, who, |a, b| a / b))?
}

fn fence(case: &Measured, who: Who) -> Option<Ratio> {
    case.is_fence()
        .then(|| beside_raw(case, who, |a, b| a - b))?
}

fn beside_raw(case: &Measured, who: Who, figure: fn(f64, f64) -> f64) -> Option<Ratio> {
    let (mine, raw) = (&case.times[who as usize], &case.times[Who::Raw as usize]);
    Some(Ratio {
        ratio: figure(mine.median()?, raw.median()?),
        at_least: mine.with(raw, figure).at_least()?,
    })
}

/// Whether a goal was reached.
#[derive(Debug, Serialize)]
pub struct Verdict {
    goal: &'static str,
    limit: f64,
    /// `ok`, `even`, `bare`, `MISS`, or `-` if no cell was measured.
    mark: &'static str,
    /// The worst cell, the mean, or the part over the limit.
    figure: f64,
    cells: usize,
    over: usize,
    over_beyond_noise: usize,
    /// Those of them where the bare instructions are over it, too.
    bare_too: usize,
    worst: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    case: String,
    figure: f64,
    bare: Option<f64>,
    kpmem_ns: Option<f64>,
}

/// Every goal.
pub fn verdicts(cases: &[Measured]) -> Vec<Verdict> {
    GOALS.iter().map(|goal| goal.verdict(cases)).collect()
}

impl Goal {
    fn verdict(&self, cases: &[Measured]) -> Verdict {
        let mut cells: Vec<_> = cases
            .iter()
            .filter_map(|case| Some(((self.figure)(case)?, (self.bare)(case), case)))
            .collect();
        cells.sort_by(|(a, ..), (b, ..)| b.ratio.total_cmp(&a.ratio));
        let each = match self.limit {
            Limit::Each(limit) | Limit::Share(_, limit) => limit,
            Limit::Mean(_) => 1.0,
        };
        let count = |over: &dyn Fn(Ratio, Option<f64>) -> bool| {
            cells.iter().filter(|(r, bare, _)| over(*r, *bare)).count()
        };
        let over = count(&|r, _| r.ratio > each);
        let surely = count(&|r, _| r.is_surely_over(each));
        let bare = count(&|r, bare| r.is_surely_over(each) && bare.is_some_and(|bare| bare > each));
        let number = cells.len() as f64;
        let (limit, figure) = match self.limit {
            Limit::Each(limit) => (limit, cells.first().map_or(0.0, |(r, ..)| r.ratio)),
            Limit::Mean(limit) => {
                let logs: f64 = cells.iter().map(|(r, ..)| r.ratio.ln()).sum();
                (limit, (logs / number).exp())
            }
            Limit::Share(part, _) => (part, over as f64 / number),
        };
        let mark = match self.limit {
            _ if cells.is_empty() => "-",
            _ if figure <= limit => "ok",
            Limit::Each(_) if surely == 0 => "even",
            Limit::Each(_) if surely == bare => "bare",
            Limit::Share(part, _) if (surely - bare) as f64 <= part * number => "bare",
            _ => "MISS",
        };
        Verdict {
            goal: self.what,
            limit,
            mark,
            figure,
            cells: cells.len(),
            over,
            over_beyond_noise: surely,
            bare_too: bare,
            worst: cells
                .iter()
                .take(NAMED)
                .map(|(r, bare, case)| Cell {
                    case: case.to_string(),
                    figure: r.ratio,
                    bare: *bare,
                    kpmem_ns: case.kpmem_ns,
                })
                .collect(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            goal,
            limit,
            mark,
            figure,
            cells,
            over,
            over_beyond_noise,
            bare_too,
            worst,
        } = self;
        if *cells == 0 {
            return write!(f, "  {mark:4} {goal}: not measured");
        }
        write!(
            f,
            "  {mark:4} {goal}: {figure:.3} (at most {limit}); of {cells} cells {over} are over, \
             {over_beyond_noise} beyond the noise, {bare_too} of them bare too"
        )?;
        if *mark == "ok" {
            return Ok(());
        }
        for cell in worst {
            write!(f, "\n         {:.3}", cell.figure)?;
            if let Some(bare) = cell.bare {
                write!(f, ", bare {bare:.3}")?;
            }
            write!(f, ": {}", cell.case)?;
            if let Some(ns) = cell.kpmem_ns {
                write!(f, ", {ns:.1} ns")?;
            }
        }
        Ok(())
    }
}
