//! Guests whose chains are wrong, one by one: each gets an error where there is a place for one,
//! nothing is synced for it, and nothing else in its memory changes.

use super::liar::{
    ANSWER, ASK, Descriptor, HOLE, INDIRECT, NEXT, REQUEST, STRANGE, TABLE, TELL, WRITE, one,
};

const GOOD: (Option<u32>, u32) = (Some(0), 1);
const ERROR: (Option<u32>, u32) = (Some(1), 0);
const NO_PLACE: (Option<u32>, u32) = (None, 0);

#[test]
fn a_flush_is_answered_however_it_is_framed() {
    assert_eq!(one(&[ASK, TELL], &[]), GOOD);
    // A longer place for the answer, of which the rest is left alone.
    assert_eq!(one(&[ASK, (ANSWER, 64, WRITE, 0)], &[]), GOOD);
    let bytes: Vec<_> = (0..8_u16)
        .map(|index| match index {
            0..4 => (REQUEST + u64::from(index), 1, NEXT, index + 1),
            4..7 => (ANSWER + u64::from(index) - 4, 1, NEXT | WRITE, index + 1),
            _ => (ANSWER + 3, 1, WRITE, 0),
        })
        .collect();
    assert_eq!(one(&bytes, &[]), GOOD);
    assert_eq!(one(&[(TABLE, 32, INDIRECT, 0)], &[ASK, TELL]), GOOD);
    // Descriptors without a byte are none.
    let empty = (HOLE, 0, NEXT, 1);
    assert_eq!(one(&[empty, (REQUEST, 4, NEXT, 2), TELL], &[]), GOOD);
}

#[test]
fn what_is_no_flush_is_answered_by_an_error() {
    for (what, first) in [
        ("another type", (STRANGE, 4, NEXT, 1)),
        ("too short", (REQUEST, 3, NEXT, 1)),
        ("too long", (REQUEST, 5, NEXT, 1)),
        ("of no bytes", (REQUEST, 0, NEXT, 1)),
        (
            "of all bytes that a chain may have",
            (REQUEST, u32::MAX - 4, NEXT, 1),
        ),
        ("not in memory", (HOLE, 4, NEXT, 1)),
        ("half in memory", (HOLE - 2, 4, NEXT, 1)),
        ("past the top", (u64::MAX - 1, 4, NEXT, 1)),
    ] {
        assert_eq!(one(&[first, TELL], &[]), ERROR, "{what}");
    }
}

#[test]
fn wrong_directions_are_errors() {
    assert_eq!(
        one(&[(ANSWER, 4, WRITE | NEXT, 1), (REQUEST, 4, 0, 0)], &[]),
        ERROR
    );
    let behind = [ASK, (ANSWER, 4, WRITE | NEXT, 2), (REQUEST, 4, 0, 0)];
    assert_eq!(one(&behind, &[]), ERROR);
    assert_eq!(one(&[TELL], &[]), ERROR, "nothing is asked");
    assert_eq!(one(&[ASK, (ANSWER, 4, 0, 0)], &[]), NO_PLACE);
}

#[test]
fn where_there_is_no_place_nothing_is_answered_and_nothing_synced() {
    for (what, last) in [
        ("too short", (ANSWER, 3, WRITE, 0)),
        ("of no bytes", (ANSWER, 0, WRITE, 0)),
        ("not in memory", (HOLE, 4, WRITE, 0)),
        ("half in memory", (HOLE - 2, 4, WRITE, 0)),
        ("past the top", (u64::MAX - 1, 4, WRITE, 0)),
        (
            "more bytes than a chain may have",
            (ANSWER, u32::MAX, WRITE, 0),
        ),
    ] {
        assert_eq!(one(&[ASK, last], &[]), NO_PLACE, "{what}");
    }
    for len in [u32::MAX - 3, u32::MAX] {
        let first = (REQUEST, len, NEXT, 1);
        assert_eq!(one(&[first, TELL], &[]), NO_PLACE, "behind 4 GiB: {len}");
    }
    assert_eq!(
        one(&[(REQUEST, 4, 0, 0)], &[]),
        NO_PLACE,
        "no second descriptor"
    );
    assert_eq!(
        one(&[(REQUEST, 4, NEXT, 99), TELL], &[]),
        NO_PLACE,
        "an index that is none"
    );
}

#[test]
fn loops_and_huge_chains_end() {
    assert_eq!(
        one(&[(REQUEST, 4, NEXT, 0)], &[]),
        NO_PLACE,
        "a loop of requests"
    );
    assert_eq!(
        one(&[ASK, (ANSWER, 4, WRITE | NEXT, 1)], &[]),
        ERROR,
        "a loop of answers"
    );
    assert_eq!(
        one(&[ASK, (ANSWER, 4, WRITE | NEXT, 0)], &[]),
        ERROR,
        "a loop of both"
    );
    assert_eq!(
        one(&[ASK, (ANSWER, 4, WRITE | NEXT, 99)], &[]),
        ERROR,
        "an index that is none"
    );
    // As many as the table has, and the answer first or last.
    let huge = |answer: usize| -> Vec<Descriptor> {
        let each = (0..200_u16).map(|index| match usize::from(index) {
            at if at == answer => (ANSWER, 4, WRITE | NEXT, index + 1),
            _ => (REQUEST, 4, NEXT, index + 1),
        });
        each.collect()
    };
    let all = (TABLE, 200 * 16, INDIRECT, 0);
    assert_eq!(one(&[all], &huge(1)), ERROR);
    assert_eq!(one(&[all], &huge(199)), NO_PLACE, "nobody looks so far");
}

#[test]
fn sixteen_descriptors_are_looked_at_and_no_more() {
    let after = |empty: u16| -> Vec<Descriptor> {
        let before = (0..empty).map(|index| (REQUEST, 0, NEXT, index + 1));
        let ask = (REQUEST, 4, NEXT, empty + 1);
        before.chain([ask, TELL]).collect()
    };
    let all = (TABLE, 32 * 16, INDIRECT, 0);
    assert_eq!(one(&[all], &after(14)), GOOD);
    assert_eq!(one(&[all], &after(15)), NO_PLACE);
}

#[test]
fn indirect_tables_that_are_none() {
    for (what, table) in [
        ("not in memory", (HOLE, 32, INDIRECT, 0)),
        ("past the top", (u64::MAX - 7, 32, INDIRECT, 0)),
        ("empty", (TABLE, 0, INDIRECT, 0)),
        ("no whole number of descriptors", (TABLE, 33, INDIRECT, 0)),
        (
            "longer than an index reaches",
            (TABLE, u32::MAX - 15, INDIRECT, 0),
        ),
    ] {
        assert_eq!(one(&[table], &[ASK, TELL]), NO_PLACE, "{what}");
    }
    let nested = [ASK, (TABLE, 32, INDIRECT, 0)];
    assert_eq!(
        one(&[(TABLE, 32, INDIRECT, 0)], &nested),
        NO_PLACE,
        "one in another"
    );
    // An answer before it is a place.
    let late = [(ANSWER, 4, WRITE | NEXT, 1), (HOLE, 32, INDIRECT, 0)];
    assert_eq!(one(&late, &[]), ERROR);
}
