//! The model against the literature, and wrong models against it too.

use kpmem_model::event::Domain;
use kpmem_model::litmus::{Case, cases, run, run_with};
use kpmem_model::profile::{Ack, Clflush, Order, Profile, Reach, Scope};

#[test]
fn every_case_is_exact() {
    for case in cases() {
        let (outcome, expected) = (case.outcome(case.profile), case.expected());
        assert_eq!(
            outcome, expected,
            "{} {:?}: {}",
            case.profile.name, case.program, case.source
        );
    }
    let (total, exact) = run();
    assert!(total >= 60 && exact == total, "{exact} of {total}");
}

type Change = fn(Profile) -> Profile;

/// Each wrong platform must be told from the right one by several cases.
#[test]
fn a_wrong_model_fails() {
    let wrong: [(&str, Change); 8] = [
        ("lines in any order", |p| Profile {
            order: Order::Barriers,
            ..p
        }),
        ("lines in program order", |p| Profile {
            order: Order::Program,
            ..p
        }),
        ("caches are durable", |p| Profile {
            scope: Scope::Machine,
            ..p
        }),
        ("clflush needs mfence", |p| Profile {
            clflush: Clflush::Mfence,
            ..p
        }),
        ("clflush is ordered", |p| Profile {
            clflush: Clflush::Ordered,
            ..p
        }),
        ("dsb ish is enough", |p| Profile {
            domain: Domain::Inner,
            ..p
        }),
        ("dc cvac is enough", |p| Profile {
            reach: Reach::Coherency,
            ..p
        }),
        ("fence w,w is enough", |p| Profile {
            ack: Ack::Memory,
            ..p
        }),
    ];
    for (name, change) in wrong {
        let (total, exact) = run_with(change);
        println!("{name}: {} of {total} cases fail", total - exact);
        assert!(exact + 2 <= total, "{name}: {exact} of {total} cases pass");
    }
}

/// The published sets of programs, two of which may run at once: without its barriers, no program
/// has the set that was published for it.
#[test]
fn a_program_without_its_barriers_has_another_set() {
    let published = || cases().filter(|case| case.source.starts_with("PLDI 2021, "));
    assert_eq!(published().count(), 9);
    for case in published().filter(|case| case.program.contains("dsb sy")) {
        // As an instruction that orders nothing, for what is skipped is counted.
        let program = case.program.replace("dsb sy", "isb").leak();
        let wrong = Case { program, ..*case }.outcome(case.profile).states;
        let right = case.expected().states;
        assert!(
            right.is_subset(&wrong) && right != wrong,
            "{}: {wrong:?}",
            case.source
        );
    }
}
