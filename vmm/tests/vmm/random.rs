//! Guests that do anything, by the ten thousand; `cargo xtask fuzz` does so by the million.

use super::trial::{self, Outcome};

const RUNS: u32 = 30_000;

fn runs(careless: bool, n: u32) -> Outcome {
    let mut random = fastrand::Rng::with_seed(11);
    let mut sum = Outcome::default();
    for _ in 0..n {
        let mut bytes = vec![0; random.usize(..300)];
        random.fill(&mut bytes);
        let one = trial::run(&bytes, careless);
        sum.counts.flushed += one.counts.flushed;
        sum.counts.failed += one.counts.failed;
        sum.counts.rejected += one.counts.rejected;
        sum.counts.unanswered += one.counts.unanswered;
        sum.refused += one.refused;
        sum.surprises += one.surprises;
    }
    sum
}

#[test]
fn guests_that_do_anything_get_what_the_model_says() {
    let sum = runs(false, RUNS);
    let counts = sum.counts;
    for (what, count) in [
        ("succeeded", counts.flushed),
        ("failed", counts.failed),
        ("were rejected", counts.rejected),
        ("had no place for an answer", counts.unanswered),
        ("had no queue", sum.refused),
    ] {
        assert!(count > RUNS / 100, "only {count} {what}: {sum:?}");
    }
}

#[test]
fn negative_control_a_device_that_ignores_types_is_not_the_models() {
    let sum = runs(true, RUNS / 30);
    assert!(sum.surprises > 0, "nobody noticed");
}
