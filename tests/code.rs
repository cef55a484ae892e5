//! The numbers of errors never change, and no two errors share one.

use kpmem::{Error, ErrorCode, Granularity};
use std::collections::BTreeSet;

#[test]
fn no_two_share_a_number_or_a_sentence() {
    let numbers: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| *code as i32).collect();
    let sentences: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.message()).collect();
    assert_eq!(numbers.len(), ErrorCode::ALL.len());
    assert_eq!(sentences.len(), ErrorCode::ALL.len());
}

#[test]
fn numbers_lead_back() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_i32(code as i32), Some(code));
    }
    for number in [
        0,
        1,
        -1,
        -4095,
        -100_000,
        -200_000,
        -200_999,
        i32::MIN,
        i32::MAX,
    ] {
        assert_eq!(ErrorCode::from_i32(number), None, "{number}");
    }
}

/// Numbers follow each other in two runs, so one that is in no list is found out.
#[test]
fn all_numbers_are_in_the_list() {
    let known = |number: &i32| ErrorCode::from_i32(*number).is_some();
    let run = |first: i32| (0..99).map(|more| first - more).filter(known).count();
    assert_eq!((run(-200_001), run(-200_101)), (23, 12));
    assert_eq!(ErrorCode::ALL.len(), 23 + 12);
}

#[test]
fn an_error_has_the_number_of_its_kind() {
    let granularity = Granularity::Byte;
    let (start, len, base) = (1, 2, 3);
    for (error, number) in [
        (Error::Null { len }, -200_001),
        (Error::Empty { start }, -200_002),
        (Error::Wraps { start, len }, -200_003),
        (Error::NotInvalidated { granularity }, -200_006),
        (Error::NotMapped { base, len: 4 }, -200_017),
        (Error::Poisoned { address: 5 }, -200_020),
        (
            Error::Sync {
                start,
                len,
                code: -5,
            },
            -200_023,
        ),
    ] {
        assert_eq!(error.code(), number, "{error}");
        assert_eq!(error.kind() as i32, number, "{error}");
    }
}

#[cfg(feature = "nfit")]
#[test]
fn so_has_an_error_of_the_firmware() {
    use kpmem::firmware;
    for (error, number) in [
        (firmware::Error::Checksum { sum: 1 }, -200_103),
        (firmware::Error::Missing("such table"), -200_112),
    ] {
        assert_eq!(error.code(), number, "{error}");
    }
}
