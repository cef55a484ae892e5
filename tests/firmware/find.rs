//! Finding a table through RSDP and root table, over made-up memory.

use crate::build::{fix_sum, table};
use kpmem::firmware::{Error, find_table};

const XSDT: u64 = 0x100;
const RSDT: u64 = 0x200;
const OTHER: u64 = 0x300;
const WANTED: u64 = 0x400;

/// Memory from address 0 on, with an RSDP of a revision there.
fn memory(revision: u8) -> Vec<u8> {
    let mut rsdp = b"RSD PTR ".to_vec();
    rsdp.resize(36, 0);
    rsdp[15] = revision;
    rsdp[16..20].copy_from_slice(&(RSDT as u32).to_le_bytes());
    rsdp[24..32].copy_from_slice(&XSDT.to_le_bytes());
    fix_sum(&mut rsdp[..20], 8);
    fix_sum(&mut rsdp, 32);

    let mut memory = vec![0; 0x500];
    let wide: Vec<u8> = [OTHER, WANTED]
        .iter()
        .flat_map(|p| p.to_le_bytes())
        .collect();
    let narrow: Vec<u8> = [OTHER, WANTED]
        .iter()
        .flat_map(|p| (*p as u32).to_le_bytes())
        .collect();
    for (at, bytes) in [
        (0, rsdp),
        (XSDT, table(b"XSDT", &wide)),
        (RSDT, table(b"RSDT", &narrow)),
        (OTHER, table(b"APIC", &[1, 2, 3])),
        (WANTED, table(b"NFIT", &[0; 10])),
    ] {
        memory[at as usize..][..bytes.len()].copy_from_slice(&bytes);
    }
    memory
}

fn find(memory: &[u8]) -> Result<&[u8], Error> {
    let physical = |address: u64, len: usize| memory.get(address as usize..)?.get(..len);
    find_table(physical, 0, *b"NFIT")
}

#[test]
fn both_root_tables() {
    for revision in [0, 2] {
        assert_eq!(find(&memory(revision)).unwrap(), table(b"NFIT", &[0; 10]));
    }
    let mut only_xsdt = memory(2);
    only_xsdt[RSDT as usize] = 0;
    assert!(find(&only_xsdt).is_ok());
}

#[test]
fn wrong_sums_and_signatures() {
    let signature = |expected| Error::Signature { expected };
    for (at, error) in [
        (0, signature("RSDP")),
        (XSDT as usize, signature("RSDT or XSDT")),
        (WANTED as usize, Error::Missing("such ACPI table")),
        (9, Error::Checksum { sum: 0x40 }),
        (33, Error::Checksum { sum: 0x40 }),
        (XSDT as usize + 20, Error::Checksum { sum: 0x40 }),
        (WANTED as usize + 20, Error::Checksum { sum: 0x40 }),
    ] {
        let mut memory = memory(2);
        memory[at] ^= 0x40;
        let found = find(&memory).map_err(|error| match error {
            Error::Checksum { sum } => Error::Checksum { sum: sum & 0x40 },
            other => other,
        });
        assert_eq!(found, Err(error), "{at:#x}");
    }
}

#[test]
fn lengths_and_addresses() {
    let mut short = memory(2);
    short[WANTED as usize + 4] = 35;
    let length = Error::Length {
        offset: 0,
        len: 35,
        least: 36,
    };
    assert_eq!(find(&short), Err(length));
    let mut away = memory(2);
    away[XSDT as usize + 36 + 7] = 0x80;
    fix_sum(&mut away[XSDT as usize..][..52], 9);
    assert!(
        find(&away).is_ok(),
        "another table than the one that is wanted"
    );
    away[WANTED as usize] = b'X';
    let unreadable = Error::Unreadable {
        address: 0x8000_0000_0000_0300,
        len: 4,
    };
    assert_eq!(find(&away), Err(unreadable));
    // A table that was taken out, and a root table that is not there.
    let mut null = memory(2);
    null[XSDT as usize + 36..][..8].fill(0);
    fix_sum(&mut null[XSDT as usize..][..52], 9);
    assert!(find(&null).is_ok());
    let mut only_rsdt = memory(2);
    only_rsdt[24..32].fill(0);
    fix_sum(&mut only_rsdt[..36], 32);
    only_rsdt[XSDT as usize] = 0;
    assert!(find(&only_rsdt).is_ok());
}

#[test]
fn any_truncation_is_an_error() {
    let memory = memory(2);
    for len in 0..WANTED as usize + 46 {
        assert!(find(&memory[..len]).is_err(), "{len:#x}");
    }
}

#[test]
fn errors_say_where() {
    let (offset, what, number) = (0x28, "range", 9);
    for (error, words) in [
        (
            Error::Unreadable {
                address: 0x1000,
                len: 36,
            },
            "36 bytes at 0x1000",
        ),
        (Error::Signature { expected: "NFIT" }, "no NFIT"),
        (Error::Checksum { sum: 0x40 }, "0x40"),
        (
            Error::Truncated { offset, len: 8 },
            "8 bytes at offset 0x28",
        ),
        (
            Error::Length {
                offset,
                len: 3,
                least: 4,
            },
            "offset 0x28 says it is 3",
        ),
        (
            Error::Value {
                offset,
                field: "index",
                value: 0,
            },
            "0x28 has an impossible index, 0x0",
        ),
        (
            Error::Dangling {
                offset,
                what,
                number,
            },
            "0x28 refers to range 0x9",
        ),
        (
            Error::Duplicate {
                offset,
                what,
                number,
            },
            "0x28 is another range 0x9",
        ),
        (
            Error::Overlap {
                offset,
                base: 0x1000,
            },
            "range at 0x1000",
        ),
        (Error::TooMany { most: 4096 }, "more than 4096 structures"),
        (
            Error::Tree {
                problem: "its length",
            },
            "malformed: its length",
        ),
        (Error::Missing("such ACPI table"), "no such ACPI table"),
    ] {
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
    }
}
