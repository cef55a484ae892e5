//! The nine programs for Arm whose complete sets of crash states were published with the artefact
//! of Cho, Lee, Raad, Kang, "Revamping Hardware Persistency Models", PLDI 2021, as its model
//! checker computed them (after normal ends and crashes at any time). 42 and 7 are 1 here.
//!
//! Where that checker gives an execution up because a lock was held, ours waits: the same states,
//! since crashes before that are those of the executions that go on.

use super::Case;
use crate::profile::Profile;

const fn case(
    program: &'static str,
    vars: &'static str,
    states: &'static str,
    source: &'static str,
) -> Case {
    Case {
        profile: Profile::ARM,
        program,
        vars,
        states,
        durable: "-",
        source,
    }
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("a0=1; b0=1", "a0 b0", "00 01 10 11", "PLDI 2021, commit_weak"),
    case("a0=1; cvap a; b0=1", "a0 b0", "00 01 10 11", "PLDI 2021, commit_weak_opt"),
    Case { durable: "a0", ..case("a0=1; cvap a; dsb sy; b0=1", "a0 b0", "00 10 11", "PLDI 2021, commit1") },
    case("a0=1 | load a0; unless 1 skip 3; cvap a; dsb sy; b0=1", "a0 b0", "00 10 11", "PLDI 2021, commit2"),
    case("a0=1 | load a0; unless 1 skip 2; cvap a; b0=1", "a0 b0", "00 01 10 11", "PLDI 2021, commit2_opt"),
    case(
        "a0=1; dmb sy; b0=1 | load b0; unless 1 skip 5; dmb sy; cvap a; cvap b; dsb sy; c0=1",
        "a0 b0 c0", "000 100 010 110 111", "PLDI 2021, commit_opt",
    ),
    case(
        "a0=1; dmb sy; b0=1 | load b0; dmb sy; cvap a; dsb sy; c0=loaded",
        "a0 b0 c0", "000 100 010 110 101 111", "PLDI 2021, fob",
    ),
    // Two cleans, each of the other's store: the later one of the first two barriers decides which
    // of them cannot miss it, so of 16 states one is forbidden.
    case(
        "a0=1; dsb sy; cvap b; dsb sy; c0=1 | b0=1; dsb sy; cvap a; dsb sy; d0=1",
        "a0 b0 c0 d0",
        "0000 0001 0010 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111",
        "PLDI 2021, flush_mca",
    ),
    case(
        "lock d0; a0=1; b0=1; cvap a; dsb sy; cvap b; dsb sy; rel d0=0 \
         | lock d0; load a0; unless 1 skip 3; c0=1; cvap c; dsb sy; rel d0=0",
        "a0 b0 c0 d0",
        "0000 1000 0100 1100 1110 0001 1001 0101 1101 1111",
        "PLDI 2021, atomic_persists",
    ),
];
