//! The numbers to reach, and whether they were: the worst case of each.

use std::fmt;

use crate::report::{Measured, Report};

/// A goal, as the worst case that counts for it.
#[derive(Debug)]
pub struct Verdict {
    what: &'static str,
    limit: f64,
    unit: &'static str,
    /// None if no case was measured.
    worst: Option<(f64, String)>,
    /// All cases that count.
    of: usize,
    missed: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            limit,
            unit,
            worst,
            of,
            missed,
        } = self;
        match worst {
            None => write!(f, "  -    {what}: not measured"),
            Some((worst, case)) => {
                let mark = if *missed == 0 { "ok  " } else { "MISS" };
                write!(
                    f,
                    "  {mark} {what}: at most {limit}{unit}; worst {worst:.3} ({case}); {missed} of {of} over"
                )
            }
        }
    }
}

type Of = fn(&Measured, &Report) -> Option<f64>;

/// Every goal of a report.
pub fn verdicts(report: &Report) -> Vec<Verdict> {
    let raw: Of = |case, _| case.ratio(case.raw_ns);
    let peer: Of = |case, _| case.ratio(case.peer_ns);
    let excess: Of = |case, _| Some(case.kpmem_ns? - case.raw_ns?);
    let fixed_excess: Of = |case, _| Some(case.fixed_ns? - case.raw_ns?);
    let fixed: Of = |case, _| Some(case.fixed_ns? / case.raw_ns?);
    let vector: Of = |case, _| Some(case.vector_ns? / case.peer_ns?);
    let best: Of = |case, report| Some(case.kpmem_ns? / best_of_the_peer(case, report)?);
    let goal = |what, limit, unit, of: Of, counts: &dyn Fn(&Measured) -> bool| {
        let figures = report.cases.iter().filter(|case| counts(case));
        let figures: Vec<_> = figures
            .filter_map(|case| Some((of(case, report)?, case.to_string())))
            .collect();
        Verdict {
            what,
            limit,
            unit,
            of: figures.len(),
            missed: figures.iter().filter(|(figure, _)| *figure > limit).count(),
            worst: figures.into_iter().max_by(|(a, _), (b, _)| a.total_cmp(b)),
        }
    };
    let line = |c: &Measured| c.granularity == "cache-line";
    // A copy or fill of cache-line granularity with default flags, to an aligned destination.
    let plain =
        |c: &Measured, name| c.name == name && line(c) && c.flags == "default" && c.align == 0;
    let beside = |c: &Measured| {
        let small = (64..=1024).contains(&c.size);
        c.name == "memcpy" && line(c) && c.flags == "default" && c.align == 8 && small
    };
    let in_bytes =
        |c: &Measured| c.name == "memcpy" && !line(c) && c.flags == "default" && c.size <= 4096;
    let fence = |c: &Measured| c.name == "drain" || c.name == "persist" && !line(c);
    let hot = |c: &Measured| c.placement == "hot";
    let stream = |c: &Measured| plain(c, "memcpy") && c.size >= 256 && c.placement == "cold";
    vec![
        goal("persist, dispatched", 1.02, " x raw", raw, &|c| {
            c.name == "persist" && line(c)
        }),
        goal("persist, fixed", 1.02, " x raw", fixed, &|c| {
            c.name == "persist" && line(c)
        }),
        goal(
            "drain, and persist of byte granularity",
            1.0,
            " ns over raw",
            excess,
            &fence,
        ),
        goal("the same, fixed", 0.5, " ns over raw", fixed_excess, &fence),
        goal(
            "memcpy of 8 to 128 bytes, cold or random",
            0.65,
            " x libpmem2",
            peer,
            &|c| plain(c, "memcpy") && c.size <= 128 && !hot(c),
        ),
        goal(
            "memcpy of 64 to 1024 bytes to +8, cold or random",
            0.77,
            " x libpmem2's best mode",
            best,
            &|c| beside(c) && !hot(c),
        ),
        goal(
            "the same, hot",
            0.77,
            " x libpmem2's best mode",
            best,
            &|c| beside(c) && hot(c),
        ),
        goal(
            "memcpy of 256 bytes to 4 MiB, sequential",
            1.08,
            " x libpmem2",
            peer,
            &stream,
        ),
        goal("the same, by vectors", 1.0, " x libpmem2", vector, &stream),
        goal(
            "memcpy and read back, TEMPORAL",
            1.0,
            " x libpmem2",
            peer,
            &|c| c.name == "memcpy+read" && line(c) && c.flags == "TEMPORAL",
        ),
        goal("zeroing from 4 KiB", 0.6, " x movnti", raw, &|c| {
            plain(c, "memset") && c.size >= 4096 && !hot(c)
        }),
        goal("zeroing from 4 KiB", 1.02, " x libpmem2", peer, &|c| {
            plain(c, "memset") && c.size >= 4096
        }),
        goal("the same, by vectors", 1.02, " x libpmem2", vector, &|c| {
            plain(c, "memset") && c.size >= 4096
        }),
        goal(
            "byte granularity, 8 bytes to 4 KiB, cold",
            0.85,
            " x libpmem2",
            peer,
            &|c| in_bytes(c) && c.align == 0 && c.placement == "cold",
        ),
        goal(
            "byte granularity, random",
            0.85,
            " x libpmem2",
            peer,
            &|c| in_bytes(c) && c.align == 0 && c.placement == "random",
        ),
        goal("byte granularity, hot", 0.85, " x libpmem2", peer, &|c| {
            in_bytes(c) && c.align == 0 && hot(c)
        }),
    ]
}

/// The peer's fastest time for the same copy, whatever the flags.
fn best_of_the_peer(case: &Measured, report: &Report) -> Option<f64> {
    let same = |other: &&Measured| {
        (other.name, other.size, other.placement, other.align)
            == (case.name, case.size, case.placement, case.align)
            && other.granularity == case.granularity
    };
    report
        .cases
        .iter()
        .filter(same)
        .filter_map(|other| other.peer_ns)
        .min_by(f64::total_cmp)
}
