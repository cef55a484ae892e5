//! What the crash simulator's plugin reports: one JSON value a line, each written as soon as it is
//! known.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, Deserialize, Serialize)]
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

/// Sums of one workload's schedules.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Schedules {
    /// The workload's number.
    pub workload: u64,
    /// How many were run.
    pub run: u64,
    /// Of these, with a trace that no earlier one had.
    pub distinct: u64,
    /// Those that are known of, and were not run.
    pub left_out: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Sums of one workload's trace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Traced {
    /// The workload's number.
    pub workload: u64,
    /// Everything that was seen.
    pub events: u64,
    /// Stores among them.
    pub stores: u64,
    /// Claims among them.
    pub claims: u64,
    /// Bytes that they were about.
    pub claimed_bytes: u64,
    /// Claims about bytes that a crash could lose.
    pub violations: u64,
    /// Aligned words of claimed copies that were stored in parts.
    pub torn: u64,
    /// Lines in which memory is not what the stores say.
    pub untracked: u64,
    /// Lines flushed.
    pub flushes: u64,
    /// Fences executed.
    pub fences: u64,
    /// Flushes of lines that had nothing to write back.
    pub redundant_flushes: u64,
    /// Fences that completed nothing.
    pub redundant_fences: u64,
}

/// Sums of one workload's crash images.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Explored {
    /// The workload's number.
    pub workload: u64,
    /// Moments at which a crash was tried.
    pub points: u64,
    /// Those explored by what recovery reads.
    pub by_readings: u64,
    /// Those that were not explored in full.
    pub capped: u64,
    /// Readings that recovery is known to be able to make, and was not given.
    pub left_out: u64,
    /// Images of crashes while recovery ran.
    pub nested: u64,
    /// Why what recovery reads does not tell what it does, if it doesn't.
    pub opaque: Option<String>,
    /// Images made.
    pub walked: u64,
    /// Those that had been seen before.
    pub duplicates: u64,
    /// Those on which recovery ran.
    pub states: u64,
    /// How long it took.
    pub seconds: f64,
    /// Images that recovery could not make sense of.
    pub failures: u64,
}

/// What was wrong, with all that a person needs to see why.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure {
    /// The workload's number.
    pub workload: u64,
    /// Name of the crash image, or of the claim.
    pub id: String,
    /// The schedule of the run, if its CPUs took turns by one.
    #[serde(default)]
    pub schedule: Option<String>,
    /// `contract`, `recovery`, `untracked` or `torn`.
    pub oracle: String,
    /// Of a claim that does not hold: `not-flushed`, `not-fenced`, `not-seen`,
    /// `not-acknowledged`, `dropped`.
    pub fault: Option<String>,
    /// In words.
    pub what: String,
    /// Recovery's number, if it gave one.
    pub verdict: Option<u64>,
    /// Events that had happened.
    pub events: u64,
    /// Claims made before the crash; the claim's number for the contract's oracle.
    pub claims: u64,
    /// The bytes that it is about, where it is about particular ones.
    pub about: Option<Range>,
    /// The lines concerned, by address.
    pub lines: Vec<LineView>,
    /// What happened to them, oldest first.
    pub timeline: Vec<Entry>,
    /// Older events that the timeline leaves out.
    pub left_out: u64,
}

/// Bytes of memory.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Range {
    /// First byte.
    pub addr: u64,
    /// How many.
    pub len: u64,
}

/// A line of memory at the moment of the crash: content in hexadecimal.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LineView {
    /// Its first byte.
    pub addr: u64,
    /// What is certain to survive.
    pub durable: String,
    /// What this crash leaves.
    pub image: String,
    /// What the CPUs see.
    pub live: String,
}

/// An event that concerns one of the lines.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Entry {
    /// Its number in the trace, from 1.
    pub seq: u64,
    /// Who did it.
    pub cpu: u8,
    /// The instruction's address, 0 if unknown.
    pub pc: u64,
    /// `store`, `flush`, `barrier` or `mark`.
    pub kind: String,
    /// The bytes stored in hexadecimal; else the instruction, or what the mark says.
    pub text: String,
    /// The address stored to or flushed.
    pub addr: Option<u64>,
    /// Of a store, at the moment of the crash: `pending`, `flushed` (and pending still) or
    /// `durable`.
    pub state: Option<String>,
    /// Of a store, if it is not a plain one: `non-temporal`, `release`, `acquire`,
    /// `acquire-release`.
    pub order: Option<String>,
}

/// Something that makes a good verdict worth nothing.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Flaw {
    /// The workload that began last.
    pub workload: u64,
    /// Its kind, in a few words.
    pub kind: String,
    /// In a sentence.
    pub what: String,
}

impl Flaw {
    /// It says only that QEMU ended too early.
    pub fn is_unfinished(&self) -> bool {
        self.kind == "unfinished"
    }
}

/// A crash image kept for a reboot.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Sample {
    /// The workload's number.
    pub workload: u64,
    /// Name of the crash image.
    pub id: String,
    /// What recovery said of it in the loop.
    pub verdict: u64,
    /// The file, in the directory of images.
    pub file: String,
}

/// The image of a crash point in which nothing survived that was not durable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Point {
    /// The workload's number.
    pub workload: u64,
    /// Which one of the workload's, from 1.
    pub number: u64,
    /// Lines that were not durable.
    pub pending: u64,
    /// The physical addresses of the first of them.
    pub lines: Vec<u64>,
    /// The file, in the directory of images.
    pub file: String,
}

/// Reads a whole report. A cut last line is an error: the plugin writes whole ones.
pub fn parse(text: &str) -> Result<Vec<Line>> {
    let mut schedule = None;
    let lines = text.lines().zip(1..);
    lines
        .map(|(line, number)| {
            let mut line = serde_json::from_str(line)
                .with_context(|| format!("line {number} of the report"))?;
            match &mut line {
                Line::Schedule(name) => schedule = Some(name.clone()),
                Line::Failure(failure) => failure.schedule.clone_from(&schedule),
                _ => {}
            }
            Ok(line)
        })
        .collect()
}

/// The schedule of the run that the last lines are about.
pub fn last_schedule(lines: &[Line]) -> Option<String> {
    lines.iter().rev().find_map(|line| match line {
        Line::Schedule(name) => Some(name.clone()),
        _ => None,
    })
}
