//! What was seen of one workload with one seed.

use super::schedules::Scheduled;
use serde::{Deserialize, Serialize};

/// One workload with one seed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Run {
    /// Instruction set.
    pub arch: String,
    /// Workload.
    pub workload: String,
    /// Platform.
    pub profile: String,
    /// Bytes of a line.
    pub line: usize,
    /// Seed.
    pub seed: u64,
    /// Claims that were checked.
    pub claims: u64,
    /// Bytes that they were about.
    pub claimed_bytes: u64,
    /// Stores to the persistent memory.
    #[serde(default)]
    pub stores: u64,
    /// Distinct crash images that recovery judged.
    pub states: u64,
    /// How many a second.
    pub states_per_s: f64,
    /// How long they took, in seconds.
    pub seconds: f64,
    /// Moments at which crashes were tried.
    pub points: u64,
    /// Of these, with too many images for all to be tried: explored by what recovery reads.
    #[serde(default)]
    pub by_readings: u64,
    /// Moments that were not explored in full, but sampled.
    pub capped: u64,
    /// Readings that recovery is known to be able to make there, and was not given.
    #[serde(default)]
    pub left_out: u64,
    /// Whether recoveries were to be cut off, too.
    #[serde(default)]
    pub cuts: bool,
    /// Crash images of recoveries that were cut off, which recovery judged too.
    #[serde(default)]
    pub nested: u64,
    /// Why what recovery reads does not tell what it does, if it doesn't.
    #[serde(default)]
    pub opaque: Option<String>,
    /// Images that had been seen before.
    pub duplicates: u64,
    /// Claims that were wrong.
    pub contract: u64,
    /// Images that recovery did not make sense of, or did not come back from.
    pub recovery: u64,
    /// Both.
    pub violations: u64,
    /// Lines with a store that the simulator did not see.
    pub untracked: u64,
    /// Flushes that could be left out.
    pub redundant_flushes: u64,
    /// Fences that could be left out.
    pub redundant_fences: u64,
    /// Crash images that were also booted from.
    pub reboot_checked: u64,
    /// Of these, with the same verdict.
    pub reboot_agreed: u64,
    /// Why a good verdict would be worth nothing, in sentences.
    #[serde(default)]
    pub flaws: Vec<String>,
    /// Where its CPUs took turns by schedules: the figures are of all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Scheduled>,
}

impl Run {
    pub(super) fn key(&self) -> (&str, usize, &str, &str, u64) {
        (
            &self.arch,
            self.line,
            &self.workload,
            &self.profile,
            self.seed,
        )
    }

    /// Nothing was found, and something was looked for.
    pub fn is_clean(&self) -> bool {
        self.faults().is_empty()
    }

    /// What is wrong, in sentences.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut add = |is: bool, what: String| faults.extend(is.then_some(what));
        let counted = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        add(
            self.contract > 0,
            match self.contract {
                1 => "1 claim that does not hold".to_owned(),
                n => format!("{n} claims that do not hold"),
            },
        );
        add(
            self.recovery > 0,
            format!(
                "{} that recovery fails on",
                counted(self.recovery, "crash image")
            ),
        );
        add(
            self.untracked > 0,
            format!(
                "{} with a store that was not seen",
                counted(self.untracked, "line")
            ),
        );
        add(
            self.reboot_agreed != self.reboot_checked,
            format!(
                "{} of {} reboots gave another verdict than recovery in the loop: it depends on \
                 something that an earlier recovery left in ordinary memory",
                self.reboot_checked - self.reboot_agreed,
                self.reboot_checked
            ),
        );
        for flaw in &self.flaws {
            if !faults.contains(flaw) {
                faults.push(flaw.clone());
            }
        }
        if self.claimed_bytes == 0 && self.states == 0 && self.recovery == 0 {
            faults.push(
                "nothing was looked at: no bytes were claimed, and no crash image was asked for"
                    .to_owned(),
            );
        } else if self.claimed_bytes == 0 && self.stores == 0 {
            faults.push(
                "nothing was looked at: no bytes were claimed, and nothing was stored".to_owned(),
            );
        }
        faults
    }

    /// Adds what was seen of the same workload when it ran again, before its crash images.
    pub(super) fn add(&mut self, other: &Self) {
        self.claims += other.claims;
        self.claimed_bytes += other.claimed_bytes;
        self.stores += other.stores;
        self.contract += other.contract;
        self.untracked += other.untracked;
        self.redundant_flushes += other.redundant_flushes;
        self.redundant_fences += other.redundant_fences;
    }

    /// Adds another shard of the same run: images, and moments that were not explored in full, are
    /// each shard's own, everything else all of them have.
    pub(super) fn join(&mut self, other: &Self) {
        self.states += other.states;
        self.capped += other.capped;
        self.left_out += other.left_out;
        self.nested += other.nested;
        self.opaque = self.opaque.take().or_else(|| other.opaque.clone());
        self.seconds += other.seconds;
        self.states_per_s = rate(self.states, self.seconds);
        self.recovery += other.recovery;
        self.violations = self.contract + self.recovery;
        let new = other.flaws.iter().filter(|flaw| !self.flaws.contains(flaw));
        let new: Vec<_> = new.cloned().collect();
        self.flaws.extend(new);
        self.reboot_checked += other.reboot_checked;
        self.reboot_agreed += other.reboot_agreed;
    }
}

/// A rate that is 0 where there is nothing.
pub fn rate(states: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        states as f64 / seconds
    } else {
        0.0
    }
}
