//! `target/xtask/crash.json`, whole or of one shard, and how shards are joined.

use super::run::Run;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

/// The report.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Report {
    /// Which part of how many this is; none: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<(u32, u32)>,
    /// What chose what is sampled.
    #[serde(default)]
    pub seed: u64,
    /// A hash of the kernel or program, if it isn't ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The correct build, one entry for each seed.
    pub runs: Vec<Run>,
    /// The seeded bugs.
    pub mutants: Vec<Mutant>,
    /// The model's own cases.
    pub litmus: Litmus,
}

/// What tells a kernel or program from others.
pub fn hash_of(file: &Path) -> Result<String> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
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

impl Report {
    /// Everything is as it should be.
    pub fn is_good(&self) -> bool {
        self.faults().is_empty()
    }

    /// What is wrong, in sentences. A report of nothing is wrong, too.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for run in &self.runs {
            let name = format!(
                "{} on {} with {}-byte lines, {}, seed {}",
                run.workload, run.arch, run.line, run.profile, run.seed
            );
            faults.extend(
                run.faults()
                    .into_iter()
                    .map(|what| format!("{name}: {what}")),
            );
        }
        for mutant in self.mutants.iter().filter(|mutant| !mutant.caught) {
            let Mutant {
                name, arch, line, ..
            } = mutant;
            faults.push(format!(
                "the seeded bug {name} on {arch} with {line}-byte lines was not caught"
            ));
        }
        if self.litmus.exact != self.litmus.total {
            faults.push("the model fails its litmus cases".to_owned());
        }
        if self.runs.is_empty() && self.mutants.is_empty() {
            faults.push("nothing was simulated".to_owned());
        }
        faults
    }

    /// What was looked at, in a sentence for where nothing is wrong.
    pub fn looked_at(&self) -> String {
        let sum = |of: fn(&Run) -> u64| self.runs.iter().map(of).sum::<u64>();
        let (claims, bytes) = (sum(|run| run.claims), sum(|run| run.claimed_bytes));
        let (states, capped) = (sum(|run| run.states), sum(|run| run.capped));
        let mut said = Vec::new();
        if bytes > 0 {
            said.push(format!("{claims} claims of {bytes} bytes hold"));
        }
        if states > 0 {
            said.push(format!("recovery is right on {states} crash images"));
        }
        let nested = sum(|run| run.nested);
        if nested > 0 {
            said.push(format!("and on {nested} of recoveries that were cut off"));
        }
        let explored = self.runs.iter().filter(|run| run.cuts && run.states > 0);
        let (idle, cut): (Vec<_>, Vec<_>) = explored.partition(|run| run.nested == 0);
        match (idle.len(), cut.len()) {
            (0, _) => {}
            (_, 0) => said.push(
                "recovery changes nothing in the persistent memory, so that none was cut off"
                    .to_owned(),
            ),
            (idle, cut) => said.push(format!(
                "in {idle} of {} runs recovery changes nothing, so that none was cut off there",
                idle + cut
            )),
        }
        if capped > 0 {
            let (points, left) = (sum(|run| run.points), sum(|run| run.left_out));
            said.push(format!(
                "{capped} of {points} points were sampled, not tried in full"
            ));
            if left > 0 {
                said.push(format!(
                    "{left} ways in which recovery could go on there were not followed, each \
                     with what comes after it"
                ));
            }
            let why = self.runs.iter().find_map(|run| run.opaque.as_ref());
            said.extend(why.cloned());
        }
        let scheduled = self.runs.iter().filter_map(|run| run.scheduled);
        let (run, left_out) = scheduled.fold((0, 0), |(run, left_out), it| {
            (run + it.run, left_out + it.left_out)
        });
        if run > 0 {
            said.push(format!("under {run} schedules of several CPUs"));
        }
        if left_out > 0 {
            said.push(format!("{left_out} or more schedules were left out"));
        }
        said.join("; ")
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
                shard.seed == whole.seed,
                "the shards are of different seeds"
            );
            ensure!(
                shard.subject == whole.subject,
                "the shards are of different kernels or programs"
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

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
