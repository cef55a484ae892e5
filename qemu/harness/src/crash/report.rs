//! `target/xtask/crash.json`, whole or of one shard, and how shards are joined.

use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// The report.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Report {
    /// Which part of how many this is; none: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<(u32, u32)>,
    /// The correct build, one entry for each seed.
    pub runs: Vec<Run>,
    /// The seeded bugs.
    pub mutants: Vec<Mutant>,
    /// The model's own cases.
    pub litmus: Litmus,
}

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
    /// Distinct crash images that recovery judged.
    pub states: u64,
    /// How many a second.
    pub states_per_s: f64,
    /// How long they took, in seconds.
    pub seconds: f64,
    /// Moments with too many images for all to be tried.
    pub capped: u64,
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
}

/// One seeded bug on one kind of CPU.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Mutant {
    /// The bug.
    pub name: String,
    /// Instruction set.
    pub arch: String,
    /// Bytes of a line.
    pub line: usize,
    /// Reported with every seed that was tried.
    pub caught: bool,
}

/// Cases that test the model itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Litmus {
    /// How many there are.
    pub total: usize,
    /// How many allow exactly the states that they should.
    pub exact: usize,
}

impl Run {
    fn key(&self) -> (&str, usize, &str, &str, u64) {
        (
            &self.arch,
            self.line,
            &self.workload,
            &self.profile,
            self.seed,
        )
    }

    /// Nothing was found.
    pub fn is_clean(&self) -> bool {
        self.violations == 0 && self.untracked == 0 && self.reboot_agreed == self.reboot_checked
    }

    /// Adds another shard of the same run: images are each shard's own, everything else all of them
    /// have.
    fn join(&mut self, other: &Self) {
        self.states += other.states;
        self.seconds += other.seconds;
        self.states_per_s = rate(self.states, self.seconds);
        self.recovery += other.recovery;
        self.violations = self.contract + self.recovery;
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

impl Report {
    /// Everything is as it should be.
    pub fn is_good(&self) -> bool {
        self.runs.iter().all(Run::is_clean)
            && self.mutants.iter().all(|mutant| mutant.caught)
            && self.litmus.exact == self.litmus.total
    }

    /// Reads a report back.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is no crash report", path.display()))
    }

    /// Joins all shards of one exploration.
    pub fn merge(shards: &[Self]) -> Result<Self> {
        let Some((first, rest)) = shards.split_first() else {
            bail!("there is nothing to merge");
        };
        let mut parts = Vec::new();
        for shard in shards {
            let (part, parts_of) = shard.shard.context("a report is not of a shard")?;
            ensure!(
                parts_of as usize == shards.len(),
                "there are {} reports of {parts_of} shards",
                shards.len()
            );
            ensure!(
                !parts.contains(&part),
                "shard {part}/{parts_of} is there twice"
            );
            parts.push(part);
        }
        let mut whole = Self {
            shard: None,
            ..first.clone()
        };
        for shard in rest {
            ensure!(
                shard.litmus == whole.litmus,
                "the shards are of different versions"
            );
            ensure!(
                shard.runs.len() == whole.runs.len(),
                "the shards are of different explorations"
            );
            for (run, other) in whole.runs.iter_mut().zip(&shard.runs) {
                ensure!(
                    run.key() == other.key(),
                    "the shards are of different explorations"
                );
                run.join(other);
            }
            whole.mutants.extend(shard.mutants.iter().cloned());
        }
        whole
            .mutants
            .sort_by(|a, b| (&a.arch, a.line, &a.name).cmp(&(&b.arch, b.line, &b.name)));
        Ok(whole)
    }

    /// Writes the report where scripts look for it.
    pub fn write(&self) -> Result<()> {
        let name = match self.shard {
            Some((part, parts)) => format!("crash-{part}-of-{parts}"),
            None => "crash".to_owned(),
        };
        crate::report::write_json(&name, self)
    }
}

/// Where the pages of failures go.
pub fn pages() -> std::path::PathBuf {
    workspace::reports().join("crash")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(part: u32, states: u64, recovery: u64) -> Report {
        let run = Run {
            arch: "riscv64".into(),
            workload: "log".into(),
            profile: "riscv".into(),
            line: 64,
            seed: 1,
            claims: 64,
            states,
            states_per_s: rate(states, 2.0),
            seconds: 2.0,
            capped: 1,
            duplicates: 5,
            contract: 3,
            recovery,
            violations: 3 + recovery,
            untracked: 0,
            redundant_flushes: 0,
            redundant_fences: 0,
            reboot_checked: 1,
            reboot_agreed: 1,
        };
        Report {
            shard: Some((part, 2)),
            runs: vec![run],
            ..Report::default()
        }
    }

    #[test]
    fn shards_add_up() {
        let whole = Report::merge(&[shard(0, 10, 1), shard(1, 20, 2)]).unwrap();
        let run = &whole.runs[0];
        assert_eq!(
            (run.states, run.contract, run.recovery, run.violations),
            (30, 3, 3, 6)
        );
        assert_eq!((run.capped, run.duplicates, run.states_per_s), (1, 5, 7.5));
        assert!(!whole.is_good());
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        assert!(Report::merge(&[]).is_err());
        assert!(Report::merge(&[shard(0, 1, 0)]).is_err());
        assert!(Report::merge(&[shard(0, 1, 0), shard(0, 1, 0)]).is_err());
        let mut other = shard(1, 1, 0);
        other.runs[0].seed = 2;
        assert!(Report::merge(&[shard(0, 1, 0), other]).is_err());
        let mut unsharded = shard(1, 1, 0);
        unsharded.shard = None;
        assert!(Report::merge(&[shard(0, 1, 0), unsharded]).is_err());
    }
}
