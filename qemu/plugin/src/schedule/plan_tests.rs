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
        able: 1 << (1 - schedule.0.len() % 2),
        hash: 0,
    };
    let mut run = Run::of(schedule.clone());
    run.moments = (1..=steps).map(moment).collect();
    run.at = vec![0; schedule.0.len()];
    run
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
        "straight",
        "1to1",
        "2to1",
        "3to1",
        "1to1+2to0",
        "1to1+3to0",
        "2to1+3to0",
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
    let mut other = Run::default();
    other.at = vec![1];
    assert!(plan.ran(other, &words).unwrap().contains("something else"));
}
