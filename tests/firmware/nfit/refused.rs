//! Tables that are refused, and with which words.

use super::*;
use crate::build::fix;
use kpmem::firmware::{Error, MOST_STRUCTURES as MOST, nfit::Nfit};

/// Of a table whose second structure is this one, the error.
fn error(structure: &[u8]) -> Error {
    let table = nfit(&[control(1), structure.to_vec()]);
    Nfit::parse(&table).unwrap_err()
}

const SECOND: usize = FIRST + 32;

#[test]
fn another_table_is_refused() {
    for other in [&b"APIC"[..], b"", b"NFI"] {
        let error = Nfit::parse(other).unwrap_err();
        assert_eq!(error, Error::Signature { expected: "NFIT" });
    }
    let truncated = Error::Truncated { offset: 4, len: 4 };
    assert_eq!(Nfit::parse(b"NFIT").unwrap_err(), truncated);
    let mut short = QEMU.to_vec();
    short[4..8].copy_from_slice(&35_u32.to_le_bytes());
    let length = Error::Length {
        offset: 0,
        len: 35,
        least: 36,
    };
    assert_eq!(Nfit::parse(&short).unwrap_err(), length);
    let mut wrong = QEMU.to_vec();
    wrong[50] ^= 1;
    assert!(matches!(Nfit::parse(&wrong), Err(Error::Checksum { .. })));
    let no_reserved = table(b"NFIT", &[0; 3]);
    let offset = Error::Truncated { offset: 40, len: 0 };
    assert_eq!(Nfit::parse(&no_reserved).unwrap_err(), offset);
}

#[test]
fn a_structure_of_no_length_ends_the_table() {
    for len in 0..4 {
        let mut bytes = capabilities(2, 1);
        bytes[2] = len;
        let expected = Error::Length {
            offset: SECOND,
            len: len.into(),
            least: 4,
        };
        assert_eq!(error(&bytes), expected);
    }
}

#[test]
fn a_structure_too_short_for_its_fields_is_an_error() {
    for (bytes, least) in [
        (range(1, 0, PERSISTENT, 0x1000, 0x1000), 56),
        (mapping(1, 0, 1, 0), 48),
        (interleave(5, &[]), 16),
        (control(2), 32),
        (control_with_windows(2), 80),
        (block_window(1), 40),
        (hints(1, &[]), 16),
        (capabilities(2, 1), 16),
    ] {
        assert_eq!(bytes.len(), least);
        for len in 4..least {
            let mut short = bytes[..len].to_vec();
            short[2] = len as u8;
            // The registers of windows are missed last.
            let least = if short[0] == 4 && len < 32 { 32 } else { least };
            let offset = SECOND;
            assert_eq!(error(&short), Error::Length { offset, len, least });
        }
    }
    for (bytes, at) in [
        (interleave(5, &[1, 2]), 16),
        (hints(1, &[1, 2]), 16),
        (wide(3, new().u32(0)), 8),
    ] {
        let mut short = bytes[..bytes.len() - 1].to_vec();
        short[2] -= 1;
        let Error::Truncated { offset, .. } = error(&short) else {
            panic!("{:?}", error(&short));
        };
        assert!((SECOND..=SECOND + at).contains(&offset), "{offset:#x}");
    }
}

#[test]
fn references_must_exist() {
    let dangling = |what, number| Error::Dangling {
        offset: SECOND,
        what,
        number,
    };
    assert_eq!(error(&mapping(1, 9, 1, 0)), dangling("range", 9));
    assert_eq!(error(&mapping(1, 0, 9, 0)), dangling("control region", 9));
    let mut bytes = interleaved(1, 9);
    bytes[12] = 0;
    assert_eq!(error(&bytes), dangling("interleave", 9));
    assert_eq!(error(&block_window(9)), dangling("control region", 9));
    // 0 is none.
    let none = nfit(&[mapping(1, 0, 0, 0)]);
    assert!(Nfit::parse(&none).is_ok());
}

#[test]
fn numbers_are_unique() {
    for (bytes, what, number) in [
        (range(2, 0, VOLATILE, 0, 0), "range", 2),
        (interleave(5, &[1]), "interleave", 5),
        (control(1), "control region", 1),
        (hints(0x77, &[]), "flush hints of device", 0x77),
        (capabilities(1, 1), "capabilities structure", 0),
    ] {
        let table = nfit(&[wide(50, new()), bytes.clone(), bytes.clone()]);
        let expected = Error::Duplicate {
            offset: FIRST + 4 + bytes.len(),
            what,
            number,
        };
        assert_eq!(Nfit::parse(&table).unwrap_err(), expected);
    }
    // Virtual disks have no index.
    let disk = range(0, 0, VOLATILE, 0x1000, 0x1000);
    assert!(Nfit::parse(&nfit(&[disk.clone(), disk])).is_ok());
}

#[test]
fn persistent_ranges_are_sound() {
    let of = |index, base, len| error(&range(index, 0, PERSISTENT, base, len));
    let value = |field, value| Error::Value {
        offset: SECOND,
        field,
        value,
    };
    assert_eq!(of(0, 0x1000, 0x1000), value("index", 0));
    assert_eq!(of(1, 0x1000, 0), value("length", 0));
    assert_eq!(of(1, u64::MAX - 9, 11), value("length", 11));
    let top = nfit(&[range(1, 0, PERSISTENT, u64::MAX - 9, 10)]);
    assert!(Nfit::parse(&top).is_ok());

    let two = |base| {
        let table = nfit(&[
            range(1, 0, PERSISTENT, 0x10_0000, 0x1000),
            range(7, 0, VOLATILE, base, 0x1000),
            range(2, 0, PERSISTENT, base, 0x1000),
        ]);
        Nfit::parse(&table).map(drop)
    };
    for base in [0xf_f001, 0x10_0000, 0x10_0fff] {
        let offset = FIRST + 2 * 56;
        assert_eq!(two(base), Err(Error::Overlap { offset, base }));
    }
    for base in [0xf_f000, 0x10_1000] {
        assert_eq!(two(base), Ok(()));
    }
}

#[test]
fn a_hint_is_the_address_of_a_word() {
    for value in [0, 0xfed0_0004] {
        let field = "flush hint address";
        let offset = SECOND;
        let expected = Error::Value {
            offset,
            field,
            value,
        };
        assert_eq!(error(&hints(1, &[0xfed0_0000, value])), expected);
    }
}

#[test]
fn more_structures_than_a_machine_has_are_refused() {
    let table = |count| nfit(&vec![wide(50, new()); count]);
    assert_eq!(
        Nfit::parse(&table(MOST)).unwrap().structures().count(),
        MOST
    );
    let many = Error::TooMany { most: MOST };
    assert_eq!(Nfit::parse(&table(MOST + 1)).unwrap_err(), many);
}

#[test]
fn any_truncation_is_an_error() {
    let full = full();
    for len in 0..full.len() {
        assert!(Nfit::parse(&full[..len]).is_err(), "{len} bytes");
    }
    let mut whole = Vec::new();
    for len in 40..=QEMU.len() {
        let mut table = QEMU[..len].to_vec();
        fix(&mut table);
        // A table that says how short it is may end between structures, if it refers to none that
        // is cut off; not inside one.
        if Nfit::parse(&table).is_ok() {
            whole.push(len);
        }
    }
    assert_eq!(whole, [40, 96, 224, 240][..whole.len()]);
    assert_eq!(whole.last(), Some(&QEMU.len()));
}
