//! MariaDB's server, as Debian ships it, on ext4 with DAX: are commits durable when the client has
//! been told so?
//!
//! The server cannot be changed, and so the marks come from outside: a client commits rows one by
//! one, and says a crash point after each answer. The simulator keeps the image of each such moment
//! in which nothing has survived that was not durable. The oracle is the server itself, started
//! anew in a guest that boots on that image.

mod patch;
mod recovery;
mod trial;

use crate::arch::Arch;
use anyhow::{Context, Result, bail};
use std::fmt;

pub use recovery::run;
pub use trial::Trial;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// As it is in the package.
    Stock,
    /// A copy with its flush loops mended. It is gone when the trial is over.
    Mended,
    /// A copy that finds all lines, and has the stock server's barrier.
    Lines,
    /// A copy with a barrier that waits, which finds the lines that the stock server finds.
    Barrier,
}

impl Server {
    /// Those that there are for an instruction set: on `x86_64` no barrier is wrong.
    pub fn of(arch: Arch) -> Result<&'static [Self]> {
        match arch {
            Arch::X86_64 => Ok(&[Self::Stock, Self::Mended]),
            Arch::Aarch64 => Ok(&[Self::Stock, Self::Lines, Self::Barrier, Self::Mended]),
            Arch::Riscv64 => bail!("the workload mariadb is for x86_64 and aarch64"),
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Mended => "mended",
            Self::Lines => "lines",
            Self::Barrier => "barrier",
        }
    }
}

/// A moment after an acknowledged commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How many rows were acknowledged.
    pub acknowledged: u64,
    /// Lines of memory that were not durable.
    pub pending: u64,
    /// What the server found after the crash; `None` if that moment was not tried.
    pub found: Option<Found>,
}

/// What the server has after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The rows.
    pub rows: Vec<u64>,
    /// What `CHECK TABLE` says in the end.
    pub check: String,
}

impl Found {
    /// Of what the guest said.
    fn of(said: &str) -> Result<Self> {
        let rows = answer(said, "rows")?.split_whitespace().map(str::parse);
        Ok(Self {
            rows: rows
                .collect::<Result<_, _>>()
                .context("a row is no number")?,
            check: answer(said, "check")?.to_owned(),
        })
    }

    /// The acknowledged rows that are not there.
    pub fn lost(&self, acknowledged: u64) -> Vec<u64> {
        (1..=acknowledged)
            .filter(|row| !self.rows.contains(row))
            .collect()
    }
}

/// What the guest says behind this word.
fn answer<'a>(said: &'a str, word: &str) -> Result<&'a str> {
    let mut lines = said
        .lines()
        .filter_map(|line| line.strip_prefix("mariadb: "));
    let found = lines.find_map(|line| line.strip_prefix(word));
    match found {
        Some(rest) => Ok(rest.trim()),
        None => bail!("the guest does not say its {word}; it said:\n{said}"),
    }
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which server.
    pub server: Server,
    /// Of which instruction set.
    pub arch: Arch,
    /// Its version.
    pub version: String,
    /// Flush loops that were mended.
    pub mended: usize,
    /// One moment for each commit.
    pub moments: Vec<Moment>,
    /// What the server found in memory as it was at the end, when all that was stored survived.
    pub all: Found,
    /// Stores, flushes and fences between the first and the last mark.
    pub traced: [u64; 3],
    /// Seconds of the run with commits, and of one recovery on average.
    pub seconds: [f64; 2],
}

impl Outcome {
    /// The moments after which an acknowledged row was gone.
    pub fn lost(&self) -> impl Iterator<Item = (&Moment, Vec<u64>)> {
        self.moments.iter().filter_map(|moment| {
            let lost = moment.found.as_ref()?.lost(moment.acknowledged);
            (!lost.is_empty()).then_some((moment, lost))
        })
    }

    /// How many moments the server was started on.
    pub fn tried(&self) -> usize {
        self.moments.iter().filter(|it| it.found.is_some()).count()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [stores, flushes, fences] = self.traced;
        let [commits, recovery] = self.seconds;
        writeln!(
            f,
            "MariaDB {} for {}, {}: {} commits in {commits:.0} s with the boot ({stores} stores, {flushes} \
             flushes, {fences} fences); {} crash images, {recovery:.0} s each",
            self.version,
            self.arch,
            self.server.name(),
            self.moments.len(),
            self.tried(),
        )?;
        for moment in &self.moments {
            let Moment {
                acknowledged,
                pending,
                found,
            } = moment;
            write!(f, "  after {acknowledged:2}: {pending} lines not durable; ")?;
            match found.as_ref().map(|it| (it.lost(*acknowledged), &it.check)) {
                None => writeln!(f, "not tried")?,
                Some((lost, check)) if lost.is_empty() => writeln!(f, "no row lost; {check}")?,
                Some((lost, check)) => writeln!(f, "LOST {lost:?}; {check}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_not_there_is_lost() {
        let said = "noise\nmariadb: rows 1 2 4 \nmariadb: check d.t check status OK\n";
        let found = Found::of(said).unwrap();
        assert_eq!(found.rows, [1, 2, 4]);
        assert_eq!(found.check, "d.t check status OK");
        assert_eq!(found.lost(2), [0; 0]);
        assert_eq!(found.lost(5), [3, 5]);
        let none = Found::of("mariadb: rows\nmariadb: check OK").unwrap();
        assert_eq!(none.lost(1), [1]);
    }

    #[test]
    fn silence_is_no_answer() {
        assert!(Found::of("").is_err());
        assert!(Found::of("mariadb: rows 1").is_err());
        assert!(Found::of("mariadb: rows one\nmariadb: check OK").is_err());
    }
}
