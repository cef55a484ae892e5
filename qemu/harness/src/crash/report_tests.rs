//! Shards, and what is no success.

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
