//! Arm.

use super::Case;
use crate::event::Domain;
use crate::profile::{Profile, Reach};

const fn case(
    profile: Profile,
    program: &'static str,
    vars: &'static str,
    states: &'static str,
    durable: &'static str,
    source: &'static str,
) -> Case {
    Case {
        profile,
        program,
        vars,
        states,
        durable,
        source,
    }
}

const INNER: Profile = Profile {
    domain: Domain::Inner,
    ..Profile::ARM
};
const COHERENT: Profile = Profile {
    reach: Reach::Coherency,
    ..Profile::ARM
};

const MODEL: &str =
    "PARMv8 (Raad et al., OOPSLA 2019; Cho et al., PLDI 2021): stores persist in any order";
const COHERENCE: &str = "PARMv8 (Cho et al., PLDI 2021): persisted values follow coherence order";
const DMB: &str =
    "Arm ARM B2, barrier-ordered-before; stores visible in order are in the line in order";
const RELEASE: &str = "Arm ARM B2, Load-Acquire, Store-Release";
const SEEN: &str =
    "PARMv8 (Cho et al., PLDI 2021): a clean persists what is ordered before it; Arm ARM D7";
const ATOMIC: &str = "Arm ARM B2, Barrier-ordered-before: [A]; amo; [L]; po";
const SILENT: &str = "nothing changes where the same bytes are stored";
const ATOM: &str = "Arm ARM B2, Single-copy atomicity, without FEAT_LSE2";
const DSB: &str =
    "Arm ARM D7, Ordering and completion of data and instruction cache instructions; PARMv8, dsb";
const DOMAIN: &str = "Arm ARM, DSB: required shareability domain";
const POP: &str = "Arm ARM D7, Points of coherency, persistence and deep persistence";

const INVAL: &str =
    "Arm ARM D7, Data cache maintenance: invalidate, and effects on one location in program order";

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // Within a line only barriers, release and coherence order stores.
    case(Profile::ARM, "a0=1; a1=1", "a0 a1", "00 01 10 11", "-", MODEL),
    case(Profile::ARM, "a0=1; b0=1", "a0 b0", "00 01 10 11", "-", MODEL),
    case(Profile::ARM, "a0=1; a1=1; a2=1", "a0 a1 a2", "000 001 010 011 100 101 110 111", "-", MODEL),
    case(Profile::ARM, "a0=1; a0=2", "a0", "0 1 2", "-", COHERENCE),
    case(Profile::ARM, "a0=1; a0.l=2", "a0.l a0.h", "00 11 21", "-", COHERENCE),
    case(Profile::ARM, "P0 a0=1; P1 a0=2", "a0", "0 1 2", "-", COHERENCE),
    case(Profile::ARM, "a0=1; dmb ishst; a1=1", "a0 a1", "00 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dmb sy; a1=1", "a0 a1", "00 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dsb sy; a1=1", "a0 a1", "00 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dsb ishst; a1=1", "a0 a1", "00 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dmb ishld; a1=1", "a0 a1", "00 01 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dmb nshst; a1=1", "a0 a1", "00 01 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; isb; a1=1", "a0 a1", "00 01 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dmb ishst; b0=1", "a0 b0", "00 01 10 11", "-", MODEL),
    case(Profile::ARM, "P0 a0=1; P1 dmb sy; P1 a1=1", "a0 a1", "00 01 10 11", "-", DMB),
    case(Profile::ARM, "a0=1; dmb ishst; a1=1; a2=1", "a0 a1 a2", "000 100 110 101 111", "-", DMB),
    case(Profile::ARM, "a0=1; a1=1; dmb ishst; a2=1", "a0 a1 a2", "000 100 010 110 111", "-", DMB),
    case(Profile::ARM, "a0=1; rel a1=1", "a0 a1", "00 10 11", "-", RELEASE),
    case(Profile::ARM, "rel a0=1; a1=1", "a0 a1", "00 01 10 11", "-", RELEASE),
    case(Profile::ARM, "a0:1=1", "a0 a1", "00 01 10 11", "-", ATOM),
    case(Profile::ARM, "a0~=1", "a0.h a1.l", "00 01 10 11", "-", ATOM),
    // Only a DSB for loads and stores, in a domain that holds the memory, completes a clean.
    case(Profile::ARM, "a0=1; cvap a; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb st; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb ld; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb ishst; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb ishld; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb nsh; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dsb ish; b0=1", "a0 b0", "00 01 10 11", "-", DOMAIN),
    case(Profile::ARM, "a0=1; cvap a; dsb osh; b0=1", "a0 b0", "00 01 10 11", "-", DOMAIN),
    case(Profile::ARM, "a0=1; cvap a; dmb sy; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; dmb ishst; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; isb; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "cvap a; a0=1; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap b; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvap a; a1=1; dsb sy; b0=1", "a0 a1 b0", "000 100 010 110 101 111", "a0", DSB),
    case(Profile::ARM, "a0=1; a1=1; cvap a; dsb sy; b0=1", "a0 a1 b0", "000 100 010 110 111", "a0 a1", DSB),
    case(Profile::ARM, "P0 a0=1; P0 cvap a; P1 dsb sy; P1 b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    // A clean takes what its CPU has observed; another CPU's store may still be on its way.
    case(Profile::ARM, "P0 a0=1; P1 cvap a; P1 dsb sy; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    case(Profile::ARM, "P0 a0=1; P1 sees; P1 cvap a; P1 dsb sy; P1 b0=1", "a0 b0", "00 10 11", "a0", SEEN),
    case(Profile::ARM, "P0 a0=1; P1 cvap a; P1 sees; P1 dsb sy; P1 b0=1", "a0 b0", "00 01 10 11", "-", SEEN),
    case(Profile::ARM, "P0 a0=1; P1 sees; P0 a1=1; P1 cvap a; P1 dsb sy; P1 b0=1", "a0 a1 b0", "000 010 100 110 101 111", "a0", SEEN),
    case(Profile::ARM, "P0 a0=1; P1 reads a0; P1 cvap a; P1 dsb sy; P1 b0=1", "a0 b0", "00 10 11", "a0", SEEN),
    case(Profile::ARM, "P0 a0=1; P0 a1=1; P1 reads a0; P1 cvap a; P1 dsb sy; P1 b0=1", "a0 a1 b0", "000 010 100 110 101 111", "a0", SEEN),
    // An atomic with acquire and release comes between what is before it and what is after it.
    case(Profile::ARM, "ar a0=1; a1=1", "a0 a1", "00 10 11", "-", ATOMIC),
    case(Profile::ARM, "a0=1; ar a1=1; a2=1", "a0 a1 a2", "000 100 110 111", "-", ATOMIC),
    // What is there already is not lost.
    case(Profile::ARM, "a0=0; b0=1", "a0 b0", "00 01", "a0", SILENT),
    case(Profile::ARM, "a0=1; cvap a; dsb sy; a0=1; b0=1", "a0 b0", "00 10 11", "a0", SILENT),
    // The inner shareable domain will do where the platform says so; nsh never.
    case(INNER, "a0=1; cvap a; dsb ish; b0=1", "a0 b0", "00 10 11", "a0", DOMAIN),
    case(INNER, "a0=1; cvap a; dsb ishst; b0=1", "a0 b0", "00 01 10 11", "-", DOMAIN),
    case(INNER, "a0=1; cvap a; dsb nsh; b0=1", "a0 b0", "00 01 10 11", "-", DOMAIN),
    // A clean must reach the point of persistence.
    case(Profile::ARM, "a0=1; cvac a; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", POP),
    case(Profile::ARM, "a0=1; civac a; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", POP),
    case(Profile::ARM, "a0=1; ivac a; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", POP),
    case(Profile::ARM, "a0=1; cvap a; civac a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", POP),
    case(Profile::ARM, "a0=1; cvap a; civac a; dmb sy; b0=1", "a0 b0", "00 01 10 11", "-", DSB),
    case(Profile::ARM, "a0=1; cvadp a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", POP),
    // A line that is dropped before it is cleaned takes its stores along: no clean brings them
    // back, and what is stored later does not wait for them.
    case(Profile::ARM, "a0=1; ivac a; cvap a; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", INVAL),
    case(Profile::ARM, "a0=1; cvap a; ivac a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", INVAL),
    case(Profile::ARM, "a0=1; cvap a; dsb sy; ivac a; b0=1", "a0 b0", "00 10 11", "a0", INVAL),
    case(Profile::ARM, "a0=1; cvac a; ivac a; cvap a; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", INVAL),
    case(Profile::ARM, "P0 a0=1; P1 sees; P1 cvap a; P0 ivac a; P1 dsb sy; P1 b0=1", "a0 b0", "00 01 10 11", "-", INVAL),
    case(Profile::ARM, "a0=1; ivac b; cvap a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", INVAL),
    case(Profile::ARM, "a0=1; ivac a; dmb sy; a1=1; cvap a; dsb sy", "a0 a1", "00 01 10 11", "a1", INVAL),
    case(Profile::ARM, "a0=1; ivac a; a0=2; cvap a; dsb sy; b0=1", "a0 b0", "00 10 20 21", "a0", INVAL),
    case(Profile::ARM, "a0=1; ivac a; a0.l=2; cvap a; dsb sy", "a0.l a0.h", "00 11 20 21", "a0.l", INVAL),
    // Where persistence starts at the point of coherency.
    case(COHERENT, "a0=1; cvac a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", POP),
    case(COHERENT, "a0=1; civac a; dsb sy; b0=1", "a0 b0", "00 10 11", "a0", POP),
    case(COHERENT, "a0=1; ivac a; civac a; dsb sy; b0=1", "a0 b0", "00 01 10 11", "-", INVAL),
];
