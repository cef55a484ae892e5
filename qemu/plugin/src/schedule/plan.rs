//! Which schedules are run, and in which order: the one without a preemption, each with one, each
//! with two. Where a preemption can change anything is learnt from the runs with one less.

use std::cmp::Reverse;

use kpmem_model::hash::Random;

use super::{
    name::{Schedule, Switch},
    turn::{ALWAYS, Moment, Run},
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
        let next: Vec<_> = shared.iter().flat_map(|it| preempted(&straight, it)).collect();
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
mod tests {
    use super::*;
    use crate::schedule::Access;

    const LIMITS: Limits = Limits {
        schedules: 1000,
        preemptions: 2,
        seed: 1,
        only: None,
    };

    /// A run of as many steps, in each of which the other CPU could go on.
    fn run(schedule: &Schedule, steps: u32, word: impl Fn(u32) -> u64) -> Run {
        let moment = |step| Moment {
            step,
            word: word(step),
            able: 1 << (schedule.0.len() % 2 ^ 1),
            hash: 0,
        };
        Run {
            moments: (1..=steps).map(moment).collect(),
            at: vec![0; schedule.0.len()],
            ..Run::default()
        }
    }

    fn names(mut plan: Plan, words: &Words, steps: u32) -> (Vec<String>, u64) {
        let mut names = Vec::new();
        loop {
            names.push(plan.schedule().to_string());
            let run = run(plan.schedule(), steps, |_| ALWAYS);
            assert_eq!(plan.ran(run, words), None);
            if !plan.next(words) {
                return (names, plan.left_out);
            }
        }
    }

    #[test]
    fn all_with_none_then_one_then_two() {
        let words = Words::default();
        let (all, left_out) = names(Plan::new(LIMITS), &words, 3);
        let expected = [
            "straight", "1to1", "2to1", "3to1", "1to1+2to0", "1to1+3to0", "2to1+3to0",
        ];
        assert_eq!((all, left_out), (expected.map(String::from).to_vec(), 0));
        let one = Limits {
            preemptions: 1,
            ..LIMITS
        };
        assert_eq!(names(Plan::new(one), &words, 3).0, expected[..4]);
        let only = Limits {
            only: Some("1to1+3to0".parse().unwrap()),
            ..LIMITS
        };
        assert_eq!(names(Plan::new(only), &words, 3).0, ["1to1+3to0"]);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let words = Words::default();
        let limited = |schedules, seed| {
            let limits = Limits {
                schedules,
                seed,
                ..LIMITS
            };
            names(Plan::new(limits), &words, 20)
        };
        // 1 + 20 + 190.
        assert_eq!(limited(211, 1).1, 0);
        let (some, left_out) = limited(100, 1);
        assert_eq!((some.len(), left_out), (100, 111));
        assert_eq!(limited(100, 1).0, some, "seeded");
        assert_ne!(limited(100, 2).0, some);
        let (few, left_out) = limited(11, 1);
        assert_eq!((few.len(), left_out >= 10), (11, true));
    }

    #[test]
    fn only_what_several_cpus_use_is_of_interest() {
        let mut words = Words::default();
        let mut plan = Plan::new(LIMITS);
        let word = |step: u32| if step == 3 { ALWAYS } else { step.into() };
        for expected in ["straight", "3to1", "2to1"] {
            assert_eq!(plan.schedule().to_string(), expected);
            // In the run with one preemption another CPU is seen to use word 2.
            let cpu = plan.schedule().0.len() as u8;
            let access = Access {
                pc: 0,
                addr: 16,
                bytes: &[1; 8],
                is_store: true,
                atomic: false,
                persistent: false,
            };
            words.note(cpu, &access);
            let steps = if expected == "straight" { 3 } else { 0 };
            assert_eq!(plan.ran(run(plan.schedule(), steps, word), &words), None);
            assert_eq!(plan.next(&words), expected != "2to1");
        }
    }

    #[test]
    fn a_run_that_differs_is_told() {
        let words = Words::default();
        let mut plan = Plan::new(LIMITS);
        let straight = Schedule::default();
        assert_eq!(plan.ran(run(&straight, 3, |_| ALWAYS), &words), None);
        assert!(plan.next(&words));
        let other = Run {
            at: vec![1],
            ..Run::default()
        };
        assert!(plan.ran(other, &words).unwrap().contains("something else"));
    }
}
