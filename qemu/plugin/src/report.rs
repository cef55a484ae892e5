//! What the harness reads: one JSON value a line, each written as soon as it is known.

use std::{fs::File, io::Write, path::Path};

use serde::Serialize;

/// Failures written in full for one workload; the rest are counted.
pub const SHOWN: u64 = 8;

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A workload ended and its contract was checked.
    Traced(Traced),
    /// Its crash images were all taken.
    Explored(Explored),
    /// Something was found.
    Failure(Failure),
    /// A crash image was kept.
    Sample(Sample),
    /// One was kept of a crash point.
    Point(Point),
    /// The kernel does not make sense to the simulator, or leaves it blind.
    Flaw(Flaw),
    /// What follows is of a run under this schedule.
    Schedule(String),
    /// A workload's schedules have been run.
    Schedules(Schedules),
}

/// Sums of one workload's trace.
#[derive(Debug, Serialize)]
pub struct Traced {
    pub workload: u64,
    pub events: usize,
    pub stores: usize,
    pub claims: u64,
    /// Bytes that they were about.
    pub claimed_bytes: u64,
    pub violations: usize,
    /// Aligned words of claimed copies that were stored in parts.
    pub torn: u64,
    /// Lines in which memory is not what the stores say: a store that the plugin did not see.
    pub untracked: usize,
    pub flushes: u64,
    pub fences: u64,
    pub redundant_flushes: u64,
    pub redundant_fences: u64,
}

/// Sums of one workload's crash images.
#[derive(Debug, Serialize)]
pub struct Explored {
    pub workload: u64,
    pub points: u64,
    /// Explored by what recovery reads.
    pub by_readings: u64,
    pub capped: u64,
    pub left_out: u64,
    /// Images of crashes while recovery ran.
    pub nested: u64,
    /// Why readings were not enough, if they were not.
    pub opaque: Option<String>,
    pub walked: u64,
    pub duplicates: u64,
    pub states: u64,
    pub seconds: f64,
    pub failures: u64,
}

/// What was wrong, with all that a person needs to see why.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub workload: u64,
    /// Name of the crash image, or of the claim.
    pub id: String,
    /// `contract`, `recovery`, `untracked` or `torn`.
    pub oracle: &'static str,
    /// Of a claim that does not hold: `not-flushed`, `not-fenced`, `not-seen`,
    /// `not-acknowledged`, `dropped`.
    pub fault: Option<&'static str>,
    pub what: String,
    /// Recovery's number, if it gave one.
    pub verdict: Option<u64>,
    /// Events that had happened.
    pub events: u64,
    pub claims: u64,
    /// The bytes that it is about, where it is about particular ones.
    pub about: Option<Range>,
    pub lines: Vec<LineView>,
    pub timeline: Vec<Entry>,
    /// Older events that the timeline leaves out.
    pub left_out: usize,
}

/// Bytes of memory.
#[derive(Debug, Serialize)]
pub struct Range {
    pub addr: u64,
    pub len: u64,
}

/// A line of memory at the moment of the crash: content in hexadecimal.
#[derive(Debug, Serialize)]
pub struct LineView {
    pub addr: u64,
    pub durable: String,
    pub image: String,
    pub live: String,
}

/// An event that concerns one of the lines.
#[derive(Debug, Serialize)]
pub struct Entry {
    pub seq: u64,
    pub cpu: u8,
    pub pc: u64,
    pub kind: &'static str,
    /// The bytes of a store in hexadecimal; else the instruction, or what the mark says.
    pub text: String,
    pub addr: Option<u64>,
    /// Of a store, at the moment of the crash: `pending`, `flushed` (and pending still) or
    /// `durable`.
    pub state: Option<&'static str>,
    /// Of a store, if it is not a plain one: `non-temporal`, `release`, `acquire`,
    /// `acquire-release`.
    pub order: Option<&'static str>,
}

/// A crash image kept for a reboot.
#[derive(Debug, Serialize)]
pub struct Sample {
    pub workload: u64,
    pub id: String,
    pub verdict: u64,
    pub file: String,
}

/// The image of a crash point in which nothing survived that was not durable.
#[derive(Debug, Serialize)]
pub struct Point {
    pub workload: u64,
    /// Which one of the workload's, from 1.
    pub number: u64,
    /// Lines that were not durable.
    pub pending: u64,
    /// The first of them.
    pub lines: Vec<u64>,
    pub file: String,
}

/// Something that makes a good verdict worth nothing.
#[derive(Debug, Serialize)]
pub struct Flaw {
    pub workload: u64,
    pub kind: &'static str,
    pub what: String,
}

/// Sums of one workload's schedules.
#[derive(Debug, Serialize)]
pub struct Schedules {
    pub workload: u64,
    /// How many were run.
    pub run: u64,
    /// Of these, with a trace that no earlier one had.
    pub distinct: u64,
    /// Those that are known of, and were not run.
    pub left_out: u64,
    pub seconds: f64,
}

/// Where the lines go.
#[derive(Debug)]
pub struct Report {
    file: File,
    /// Lines of a run that may turn out to be like an earlier one, and how many are failures.
    held: Option<(String, u64)>,
    failures: u64,
}

impl Report {
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self {
            file,
            held: None,
            failures: 0,
        })
    }

    pub fn write(&mut self, line: &Line) {
        let mut text = serde_json::to_string(line).expect("plain data");
        text.push('\n');
        let failures = u64::from(matches!(line, Line::Failure(_)));
        match (&mut self.held, line) {
            (Some(held), Line::Traced(_) | Line::Failure(_) | Line::Schedule(_)) => {
                held.0.push_str(&text);
                held.1 += failures;
            }
            _ => self.add(&text, failures),
        }
    }

    fn add(&mut self, text: &str, failures: u64) {
        self.failures += failures;
        // A full disk must not pass for a clean run.
        self.file
            .write_all(text.as_bytes())
            .expect("the report can be written");
    }

    /// What is said of a run from now on is kept back.
    pub fn hold(&mut self) {
        self.held = Some((String::new(), 0));
    }

    /// It is written after all, or dropped.
    pub fn release(&mut self, write: bool) {
        if let Some((text, failures)) = self.held.take()
            && write
        {
            self.add(&text, failures);
        }
    }

    /// Failures that were written.
    pub fn failures(&self) -> u64 {
        self.failures
    }
}
