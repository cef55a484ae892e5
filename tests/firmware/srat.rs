use crate::build::{new, table};
use kpmem::firmware::{
    Error, Region,
    srat::{Flags, Memory, Srat},
};

/// A structure of a type and a length of one byte each.
fn structure(kind: u8, body: &[u8]) -> Vec<u8> {
    new().u8(kind).u8(body.len() as u8 + 2).bytes(body).0
}

pub fn memory(domain: u32, base: u64, len: u64, flags: u32) -> Vec<u8> {
    let body = new()
        .u32(domain)
        .u16(0)
        .u64(base)
        .u64(len)
        .u32(0)
        .u32(flags);
    structure(1, &body.u64(0).0)
}

pub fn srat(structures: &[Vec<u8>]) -> Vec<u8> {
    table(b"SRAT", &[vec![0; 12], structures.concat()].concat())
}

#[test]
fn every_field() {
    let table = srat(&[
        structure(0, &[0; 14]),
        memory(1, 0, 0xa_0000, 1),
        memory(2, 0x1_0000_0000, 0x1000_0000, 0b111),
        memory(3, 0x2_0000_0000, 0x1000_0000, 0b110),
    ]);
    let srat = Srat::parse(&table).unwrap();
    let found: Vec<_> = srat.memory().collect();
    let region = Region {
        base: 0x1_0000_0000,
        len: 0x1000_0000,
    };
    let second = Memory {
        region,
        domain: 2,
        flags: Flags::ENABLED | Flags::HOT_PLUGGABLE | Flags::NON_VOLATILE,
    };
    assert_eq!(found.len(), 2);
    assert_eq!(found[1], second);
    assert_eq!(srat.domain(region), Some(2));
    let beyond = Region {
        len: region.len + 1,
        ..region
    };
    assert_eq!(srat.domain(beyond), None);
}

#[test]
fn domains_of_one_byte() {
    let mut table = srat(&[memory(0x1122_3301, 0, 0x1000, 1)]);
    let domain = |table: &[u8]| Srat::parse(table).unwrap().memory().next().unwrap().domain;
    table[8] = 1;
    crate::build::fix(&mut table);
    assert_eq!(domain(&table), 1);
    table[8] = 3;
    crate::build::fix(&mut table);
    assert_eq!(domain(&table), 0x1122_3301);
}

#[test]
fn short_ones() {
    for len in 2..40 {
        let mut short = memory(1, 0, 0x1000, 1)[..len].to_vec();
        short[1] = len as u8;
        let length = Error::Length {
            offset: 48,
            len,
            least: 40,
        };
        assert_eq!(Srat::parse(&srat(&[short])).unwrap_err(), length);
    }
    for len in [0, 1] {
        let length = Error::Length {
            offset: 48,
            len,
            least: 2,
        };
        assert_eq!(
            Srat::parse(&srat(&[vec![1, len as u8, 0]])).unwrap_err(),
            length
        );
    }
    let truncated = Error::Truncated { offset: 48, len: 0 };
    assert_eq!(
        Srat::parse(&table(b"SRAT", &[0; 11])).unwrap_err(),
        truncated
    );
}
