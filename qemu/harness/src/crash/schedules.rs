//! Schedules: a workload of several CPUs is run again and again in one boot, each time with the
//! CPUs preempted elsewhere.

use serde::{Deserialize, Serialize};

/// Which schedules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedules {
    /// At most so many: without a preemption, with one, and so on to so many of them.
    Many {
        /// How many schedules.
        most: u64,
        /// How many preemptions.
        preemptions: u32,
    },
    /// The one of this name.
    One(String),
}

/// If nothing else is said.
pub const MOST: u64 = 2000;

/// Preemptions in a schedule, if nothing else is said.
pub const PREEMPTIONS: u32 = 2;

/// Our workloads of two CPUs that are right or wrong by their order, with their seeded bugs.
pub const PAIRS: [(&str, &str); 3] = [
    ("publish", "published-before-durable"),
    ("append", "appended-behind-a-gap"),
    ("archive", "read-without-looking-again"),
];

impl Schedules {
    /// Those of one of our workloads.
    pub fn of(workload: &str) -> Option<Self> {
        let mut pairs = PAIRS.iter();
        pairs
            .any(|(pair, _)| *pair == workload)
            .then(|| Self::most(MOST))
    }

    /// At most so many.
    pub const fn most(most: u64) -> Self {
        Self::Many {
            most,
            preemptions: PREEMPTIONS,
        }
    }

    /// As the plugin takes them.
    pub fn words(&self) -> String {
        match self {
            Self::Many { most, preemptions } => {
                format!(",schedules={most},preemptions={preemptions}")
            }
            Self::One(name) => format!(",schedule={name}"),
        }
    }
}

/// How many there were of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Scheduled {
    /// Run.
    pub run: u64,
    /// Of these, unlike all before.
    pub distinct: u64,
    /// Known of, and not run.
    pub left_out: u64,
    /// How long all took, in seconds.
    pub seconds: f64,
}

impl Scheduled {
    /// In words.
    pub fn text(&self) -> String {
        let Self {
            run,
            distinct,
            left_out,
            seconds,
        } = *self;
        let rest = match left_out {
            0 => "all with up to two preemptions".to_owned(),
            n => format!("{n} or more were left out"),
        };
        format!(
            "{run} schedules, {distinct} of them different, in {seconds:.1} s ({:.0}/s): {rest}",
            super::run::rate(run, seconds)
        )
    }
}
