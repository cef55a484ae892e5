//! Which schedules are run, and in which order: the one without a preemption, each with one, each
//! with two. Where a preemption can change anything is learnt from the runs with one less.

use std::cmp::Reverse;

use kpmem_model::hash::Random;

use super::{
    name::{Schedule, Switch},
    run::{ALWAYS, Moment, Run},
    words::Words,
};

/// How far to go.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Schedules of one workload.
    pub schedules: u64,
    /// Preemptions in one.
    pub preemptions: usize,
    /// Chooses the schedules where there are more.
    pub seed: u64,
    /// This one alone.
    pub only: Option<Schedule>,
}

/// A schedule that is to be run, and what must have happened by its last preemption.
#[derive(Clone, Debug, Default)]
struct Next {
    schedule: Schedule,
    hash: Option<u64>,
}

/// The schedules of one workload.
#[derive(Debug)]
pub struct Plan {
    limits: Limits,
    random: Random,
    at: Next,
    /// How many preemptions it has.
    preemptions: usize,
    /// The rest with as many preemptions, the next one last.
    rest: Vec<Next>,
    /// Those with one more, or a sample of them.
    further: Vec<Next>,
    further_count: u64,
    /// Of the run without a preemption: moments of words that no other CPU was known to use.
    unshared: Vec<Moment>,
    pub run: u64,
    pub left_out: u64,
}

impl Plan {
    pub fn new(limits: Limits) -> Self {
        let schedule = limits.only.clone().unwrap_or_default();
        Self {
            random: Random::new(limits.seed),
            at: Next {
                schedule,
                hash: None,
            },
            preemptions: 0,
            rest: Vec::new(),
            further: Vec::new(),
            further_count: 0,
            unshared: Vec::new(),
            run: 0,
            left_out: 0,
            limits,
        }
    }

    /// The schedule that is run now.
    pub fn schedule(&self) -> &Schedule {
        &self.at.schedule
    }

    /// The run is over. What was odd about it.
    pub fn ran(&mut self, run: Run, words: &Words) -> Option<String> {
        self.run += 1;
        if run.lost.is_some() {
            return run.lost;
        }
        if let (Some(expected), Some(hash)) = (self.at.hash, run.at.last())
            && expected != *hash
        {
            return Some("has done something else before its last preemption than before".into());
        }
        if self.limits.only.is_some() || self.preemptions >= self.limits.preemptions {
            return None;
        }
        let last = self.at.schedule.0.last().map_or(0, |switch| switch.at);
        let later = run.moments.into_iter().filter(|it| it.step > last);
        let (of_interest, others): (Vec<_>, Vec<_>) =
            later.partition(|it| it.word == ALWAYS || words.is_shared(it.word));
        let schedule = self.at.schedule.clone();
        for next in of_interest.iter().flat_map(|it| preempted(&schedule, it)) {
            self.keep(next);
        }
        if schedule.0.is_empty() {
            self.unshared = others;
        }
        None
    }

    /// Keeps a schedule for later. No more are kept than can be run: any as likely as any other
    /// (Vitter, algorithm R).
    fn keep(&mut self, next: Next) {
        self.further_count += 1;
        if (self.further.len() as u64) < self.limits.schedules {
            return self.further.push(next);
        }
        let slot = self.random.below(self.further_count);
        if let Some(kept) = self.further.get_mut(slot as usize) {
            *kept = next;
        }
    }

    /// Goes on to the next schedule; false if there is none.
    pub fn next(&mut self, words: &Words) -> bool {
        if self.rest.is_empty() && self.preemptions == 1 {
            self.catch_up(words);
        }
        if self.rest.is_empty() {
            self.preemptions += 1;
            let next = std::mem::take(&mut self.further);
            let count = std::mem::take(&mut self.further_count);
            self.queue(next, count);
        }
        let next = self.rest.pop();
        next.map(|next| self.at = next).is_some()
    }

    /// The runs with one preemption may have shown that other CPUs use more words: those with one
    /// that were not thought of.
    fn catch_up(&mut self, words: &Words) {
        let (shared, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unshared)
            .into_iter()
            .partition(|it| words.is_shared(it.word));
        self.unshared = others;
        let straight = Schedule::default();
        let next: Vec<_> = shared
            .iter()
            .flat_map(|it| preempted(&straight, it))
            .collect();
        let count = next.len() as u64;
        self.queue(next, count);
    }

    /// These are next, as many as there is room for, of `count` that there are.
    fn queue(&mut self, mut next: Vec<Next>, count: u64) {
        let room = self.limits.schedules.saturating_sub(self.run) as usize;
        while next.len() > room {
            let slot = self.random.below(next.len() as u64) as usize;
            next.swap_remove(slot);
        }
        self.left_out += count - next.len() as u64;
        next.sort_by_key(|next| Reverse(order(next)));
        self.rest = next;
    }

    /// The rest is not run.
    pub fn stop(&mut self) {
        self.left_out += self.rest.len() as u64 + self.further_count;
        self.rest.clear();
        self.further.clear();
        self.further_count = 0;
        self.unshared.clear();
    }
}

/// The schedules that go on from one with a preemption at a moment.
fn preempted(schedule: &Schedule, moment: &Moment) -> impl Iterator<Item = Next> + use<> {
    let Moment {
        step, able, hash, ..
    } = *moment;
    let schedule = schedule.clone();
    let able = (0..64).filter(move |cpu| able >> cpu & 1 == 1);
    able.map(move |to| {
        let mut schedule = schedule.clone();
        schedule.0.push(Switch { at: step, to });
        Next {
            schedule,
            hash: Some(hash),
        }
    })
}

fn order(next: &Next) -> Vec<(u32, u8)> {
    next.schedule.0.iter().map(|it| (it.at, it.to)).collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
