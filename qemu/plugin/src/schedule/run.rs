//! A run of a workload under a schedule: its steps, and where other CPUs could have gone on.

use kpmem_model::hash::mix;

use super::name::{Schedule, Switch};

/// A moment at which another CPU could have gone on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The step before it.
    pub step: u32,
    /// The word that the step was about, or [`ALWAYS`].
    pub word: u64,
    /// The CPUs that could.
    pub able: u64,
    /// Of all that was done to persistent memory by then.
    pub hash: u64,
}

/// Not a word: it matters to the other CPUs whatever they use.
pub const ALWAYS: u64 = u64::MAX;

/// A run between begin and end.
#[derive(Debug, Default)]
pub struct Run {
    schedule: Schedule,
    /// Preemptions that were made.
    done: usize,
    pub steps: u32,
    pub hash: u64,
    pub moments: Vec<Moment>,
    /// What the hash was at each preemption; or why it could not be made.
    pub at: Vec<u64>,
    pub lost: Option<String>,
}

impl Run {
    pub fn of(schedule: Schedule) -> Self {
        Self {
            schedule,
            ..Self::default()
        }
    }

    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Something was done: to a word, if it may matter to others. `able`: the other CPUs that could
    /// go on. The CPU that has to, if the one that did it is preempted here.
    pub fn step(&mut self, word: Option<u64>, hash: u64, able: u64) -> Option<u8> {
        self.steps += 1;
        if hash != 0 {
            self.hash = mix(self.hash, hash);
        }
        let next = self.schedule.0.get(self.done);
        let Some(&Switch { at, to }) = next.filter(|next| next.at == self.steps) else {
            if let (Some(word), true) = (word, able != 0) {
                self.moments.push(Moment {
                    step: self.steps,
                    word,
                    able,
                    hash: self.hash,
                });
            }
            return None;
        };
        self.done += 1;
        self.at.push(self.hash);
        if able >> to.min(63) & 1 == 1 {
            return Some(to);
        }
        let lost = format!("cannot go on with CPU {to} after step {at}: it waits or is halted");
        self.lost.get_or_insert(lost);
        None
    }

    /// It is over.
    pub fn ended(self) -> Self {
        let missing = self.schedule.0.get(self.done).map(|switch| {
            format!(
                "has {} steps, and its schedule a preemption after step {}",
                self.steps, switch.at
            )
        });
        Self {
            lost: self.lost.or(missing),
            ..self
        }
    }
}
