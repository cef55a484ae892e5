//! What the crash simulator is known to show of Debian's packages and kernels as they are: tried
//! again, and held against what is documented.

mod rows;

use super::{mariadb::Outcome, simulated::Simulated};
use crate::{arch::Arch, crash::run::Run};
use anyhow::{Result, anyhow};
use serde::Serialize;

pub use rows::run;

/// What of a row is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Nothing: every claim holds, and nothing is lost.
    Nothing,
    /// Claims hold, and some crash images lose what was acknowledged, or can't be used.
    Images,
    /// Claims don't hold, and crash images lose.
    ClaimsAndImages,
}

impl Wrong {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Images => "images",
            Self::ClaimsAndImages => "claims and images",
        }
    }
}

/// What was seen of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// Claims, or acknowledged commits.
    pub claims: u64,
    /// Claims that do not hold.
    pub wrong_claims: u64,
    /// Crash images that were recovered from.
    pub images: u64,
    /// Crash images that lose something.
    pub wrong_images: u64,
    /// Why that would be worth nothing, in sentences.
    pub flaws: Vec<String>,
    /// How long it took, in seconds, beside another row.
    pub seconds: f64,
}

impl Seen {
    fn of_run(run: &Run, booted: bool, seconds: f64) -> Self {
        let mut flaws = run.flaws.clone();
        if run.untracked > 0 {
            flaws.push(format!(
                "the simulator did not see a store to {} lines",
                run.untracked
            ));
        }
        let (checked, agreed) = (run.reboot_checked, run.reboot_agreed);
        if booted && checked == 0 || agreed != checked {
            flaws.push(format!(
                "{agreed} of {checked} new boots gave the verdict of recovery in the loop"
            ));
        }
        Self {
            claims: run.claims,
            wrong_claims: run.contract,
            images: run.states,
            wrong_images: run.recovery,
            flaws,
            seconds,
        }
    }

    fn of_module(it: &Simulated, seconds: f64) -> Self {
        let is_wrong = it.wrong_claims + it.wrong_images > 0;
        Self {
            claims: it.claims,
            wrong_claims: it.wrong_claims,
            images: it.images,
            wrong_images: it.wrong_images,
            flaws: if is_wrong {
                Vec::new()
            } else {
                it.faults.clone()
            },
            seconds,
        }
    }

    fn of_server(outcome: &Outcome) -> Self {
        let [commits, start] = outcome.seconds;
        Self {
            claims: outcome.moments.len() as u64,
            wrong_claims: 0,
            images: outcome.tried() as u64,
            wrong_images: outcome.lost().count() as u64,
            flaws: Vec::new(),
            seconds: commits + start * (1 + outcome.tried()) as f64,
        }
    }

    /// What is wrong; an error is a sentence that says why that can't be told.
    pub fn wrong(&self) -> Result<Wrong> {
        if !self.flaws.is_empty() {
            return Err(anyhow!("{}", self.flaws.join("; ")));
        }
        if self.claims == 0 || self.images == 0 {
            return Err(anyhow!(
                "{} claims and {} crash images: nothing was looked at",
                self.claims,
                self.images
            ));
        }
        match (self.wrong_claims, self.wrong_images) {
            (0, 0) => Ok(Wrong::Nothing),
            (0, _) => Ok(Wrong::Images),
            (_, 0) => Err(anyhow!(
                "{} claims do not hold, and no crash image shows it",
                self.wrong_claims
            )),
            _ => Ok(Wrong::ClaimsAndImages),
        }
    }
}

/// A row that was tried.
#[derive(Debug)]
pub struct Shown {
    /// Instruction set of the guest.
    pub arch: Arch,
    /// What tries it alone, behind `cargo xtask`.
    pub command: String,
    /// What is documented.
    pub documented: Wrong,
    /// What was seen.
    pub seen: Result<Seen>,
}

impl Shown {
    /// Why it isn't as documented, in a sentence; `None` if it is.
    pub fn fault(&self) -> Option<String> {
        let wrong = match &self.seen {
            Ok(seen) => seen.wrong(),
            Err(error) => Err(anyhow!("{error:#}")),
        };
        match wrong {
            Ok(wrong) if wrong == self.documented => None,
            Ok(wrong) => Some(format!(
                "wrong: {}; documented: {}",
                wrong.name(),
                self.documented.name()
            )),
            Err(error) => Some(format!("{error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(documented: Wrong, seen: Seen) -> Option<String> {
        Shown {
            arch: Arch::X86_64,
            command: String::new(),
            documented,
            seen: Ok(seen),
        }
        .fault()
    }

    fn seen(wrong_claims: u64, wrong_images: u64) -> Seen {
        Seen {
            claims: 8,
            wrong_claims,
            images: 20,
            wrong_images,
            ..Seen::default()
        }
    }

    #[test]
    fn what_is_seen_must_be_what_is_documented() {
        let all = [
            (Wrong::Nothing, seen(0, 0)),
            (Wrong::Images, seen(0, 3)),
            (Wrong::ClaimsAndImages, seen(2, 3)),
        ];
        for (documented, _) in &all {
            for (is, seen) in &all {
                let fault = shown(*documented, seen.clone());
                assert_eq!(fault.is_none(), documented == is, "{fault:?}");
            }
        }
    }

    #[test]
    fn what_looked_at_nothing_is_as_nothing_documented() {
        let unsure = [
            Seen::default(),
            Seen {
                images: 0,
                ..seen(0, 0)
            },
            Seen {
                flaws: vec!["blind".to_owned()],
                ..seen(0, 3)
            },
            seen(1, 0),
        ];
        for seen in unsure {
            for documented in [Wrong::Nothing, Wrong::Images, Wrong::ClaimsAndImages] {
                assert!(shown(documented, seen.clone()).is_some(), "{seen:?}");
            }
        }
        let broken = Shown {
            arch: Arch::X86_64,
            command: String::new(),
            documented: Wrong::Nothing,
            seen: Err(anyhow!("no packages")),
        };
        assert_eq!(broken.fault().unwrap(), "no packages");
    }
}
