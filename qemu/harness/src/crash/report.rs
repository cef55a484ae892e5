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
mod tests {
    use super::{super::run::rate, *};

    fn shard(part: u32, states: u64, recovery: u64) -> Report {
        let run = Run {
            arch: "riscv64".into(),
            workload: "log".into(),
            profile: "riscv".into(),
            line: 64,
            seed: 1,
            claims: 64,
            claimed_bytes: 640,
            stores: 80,
            states,
            states_per_s: rate(states, 2.0),
            seconds: 2.0,
            points: 10,
            by_readings: 1,
            capped: u64::from(part == 0),
            left_out: 0,
            cuts: false,
            nested: 0,
            opaque: None,
            duplicates: 5,
            contract: 3,
            recovery,
            violations: 3 + recovery,
            untracked: 0,
            redundant_flushes: 0,
            redundant_fences: 0,
            reboot_checked: 1,
            reboot_agreed: 1,
            flaws: Vec::new(),
            scheduled: None,
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
    fn silence_is_not_success() {
        let mut report = shard(0, 10, 0);
        report.runs[0].contract = 0;
        report.runs[0].violations = 0;
        assert!(report.is_good(), "{:?}", report.faults());
        let run = &report.runs[0];
        let bad = [
            Run {
                claimed_bytes: 0,
                states: 0,
                ..run.clone()
            },
            Run {
                flaws: vec!["x".into(), "x".into()],
                ..run.clone()
            },
            Run {
                claimed_bytes: 0,
                stores: 0,
                ..run.clone()
            },
            Run {
                reboot_agreed: 0,
                ..run.clone()
            },
            Run {
                untracked: 1,
                ..run.clone()
            },
        ];
        for run in bad {
            let report = Report {
                runs: vec![run],
                ..report.clone()
            };
            assert_eq!(report.faults().len(), 1, "{:?}", report.faults());
        }
        assert!(!Report::default().is_good(), "nothing was simulated");
        assert!(report.looked_at().contains("1 of 10 points were sampled"));
        assert!(!report.looked_at().contains("cut off"));
        report.runs[0].cuts = true;
        assert!(report.looked_at().contains("so that none was cut off"));
        report.runs.push(Run {
            nested: 7,
            ..report.runs[0].clone()
        });
        let looked = report.looked_at();
        assert!(looked.contains("7 of recoveries that were cut off"));
        assert!(
            looked.contains("in 1 of 2 runs recovery changes nothing"),
            "{looked}"
        );
    }

    #[test]
    fn parts_of_different_seeds_and_kernels_are_refused() {
        let with = |seed, subject: &str| Report {
            seed,
            subject: Some(subject.to_owned()),
            ..shard(1, 20, 2)
        };
        let first = Report {
            shard: Some((0, 2)),
            ..with(1, "a")
        };
        for (other, why) in [(with(2, "a"), "seeds"), (with(1, "b"), "kernels")] {
            let error = Report::merge(&[first.clone(), other]).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(Report::merge(&[first, with(1, "a")]).is_ok());
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
