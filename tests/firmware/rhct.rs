use crate::build::{new, table, wide};
use kpmem::firmware::{
    CacheBlocks, Error,
    rhct::{Blocks, Rhct},
};

/// Where the first node is.
const FIRST: usize = 56;
const BOTH: &[u8] = b"rv64imafdch_zicbom_Zicboz_zba\0";

fn isa(string: &[u8]) -> Vec<u8> {
    let body = new().u16(1).u16(string.len() as u16).bytes(string);
    wide(0, body)
}

fn blocks(clean: u8, prefetch: u8, zero: u8) -> Vec<u8> {
    wide(1, new().u16(1).u8(0).u8(clean).u8(prefetch).u8(zero))
}

fn hart(uid: u32, offsets: &[usize]) -> Vec<u8> {
    let body = new().u16(1).u16(offsets.len() as u16).u32(uid);
    wide(
        0xffff,
        offsets
            .iter()
            .fold(body, |body, offset| body.u32(*offset as u32)),
    )
}

fn rhct(nodes: &[Vec<u8>]) -> Vec<u8> {
    let body = new()
        .u32(0)
        .u64(10_000_000)
        .u32(nodes.len() as u32)
        .u32(FIRST as u32);
    table(b"RHCT", &[body.0, nodes.concat()].concat())
}

/// Two harts of one ISA each, and of blocks in common.
pub fn two(one: &[u8], other: &[u8]) -> Vec<u8> {
    let (one, other, cmo) = (isa(one), isa(other), blocks(6, 5, 7));
    let at = [FIRST, FIRST + one.len(), FIRST + one.len() + other.len()];
    rhct(&[
        one,
        other,
        cmo,
        hart(0, &[at[0], at[2]]),
        wide(2, new().u16(1).u8(0).u8(1)),
        hart(1, &[at[1], at[2]]),
    ])
}

#[test]
fn every_field() {
    let table = two(BOTH, b"rv64i_zicbom");
    let rhct = Rhct::parse(&table).unwrap();
    assert_eq!(rhct.time_base(), 10_000_000);
    let harts: Vec<_> = rhct.harts().collect();
    assert_eq!(harts.len(), 2);
    assert_eq!(harts[0].isa, Some(&BOTH[..BOTH.len() - 1]));
    let sizes = Blocks {
        clean: 64,
        prefetch: 32,
        zero: 128,
    };
    assert_eq!((harts[1].uid, harts[1].blocks), (1, Some(sizes)));
    let common = CacheBlocks {
        clean: Some(64),
        zero: None, // the second hart has no Zicboz
    };
    assert_eq!(rhct.cache_blocks(), common);
}

#[test]
fn what_not_all_have_is_not_there() {
    let of = |one: &[u8], other: &[u8]| {
        let blocks = Rhct::parse(&two(one, other)).unwrap().cache_blocks();
        (blocks.clean, blocks.zero)
    };
    assert_eq!(of(BOTH, BOTH), (Some(64), Some(128)));
    assert_eq!(of(b"rv64i", BOTH), (None, None));
    assert_eq!(of(BOTH, b"rv64i_zicbomx"), (None, None));
    // One that refers to no blocks, one that refers to another kind of node, and none.
    let (string, other) = (isa(BOTH), wide(2, new().u16(1).u8(0).u8(1)));
    let at = FIRST + string.len();
    for nodes in [
        vec![string.clone(), other.clone(), hart(0, &[FIRST, at])],
        vec![string.clone(), blocks(6, 6, 6), hart(0, &[at])],
        vec![string, blocks(6, 6, 6)],
    ] {
        let none = CacheBlocks::default();
        assert_eq!(Rhct::parse(&rhct(&nodes)).unwrap().cache_blocks(), none);
    }
    // Two that disagree.
    let (string, small, large) = (isa(BOTH), blocks(5, 5, 5), blocks(6, 6, 5));
    let at = [
        FIRST,
        FIRST + string.len(),
        FIRST + string.len() + small.len(),
    ];
    let harts = [hart(0, &[at[0], at[1]]), hart(1, &[at[0], at[2]])];
    let nodes = [vec![string, small, large], harts.to_vec()].concat();
    let common = CacheBlocks {
        clean: None,
        zero: Some(32),
    };
    assert_eq!(Rhct::parse(&rhct(&nodes)).unwrap().cache_blocks(), common);
}

#[test]
fn several_nodes_of_a_kind() {
    let (plain, string, small, large) =
        (isa(b"rv64i"), isa(BOTH), blocks(5, 5, 5), blocks(6, 6, 5));
    let mut at = vec![FIRST];
    for node in [&plain, &string, &small] {
        at.push(at.last().unwrap() + node.len());
    }
    let all = |offsets: &[usize]| {
        let nodes = [plain.clone(), string.clone(), small.clone(), large.clone()].to_vec();
        let table = rhct(&[nodes, vec![hart(0, offsets)]].concat());
        let blocks = Rhct::parse(&table).unwrap().cache_blocks();
        (blocks.clean, blocks.zero)
    };
    assert_eq!(all(&[at[0], at[1], at[2]]), (Some(32), Some(32)));
    assert_eq!(all(&[at[1], at[0], at[2]]), (Some(32), Some(32)));
    assert_eq!(all(&[at[1], at[2], at[3]]), (None, Some(32)));
}

#[test]
fn the_count_of_nodes_is_what_counts() {
    let mut trailing = rhct(&[isa(b"rv64")]);
    trailing.extend([0; 5]);
    crate::build::fix(&mut trailing);
    assert!(Rhct::parse(&trailing).is_ok());
    let count = |count: u32| {
        let mut table = rhct(&[isa(b"rv64")]);
        table[48..52].copy_from_slice(&count.to_le_bytes());
        crate::build::fix(&mut table);
        Rhct::parse(&table).map(drop)
    };
    assert_eq!(count(1), Ok(()));
    assert!(matches!(count(2), Err(Error::Truncated { .. })));
    let most = kpmem::firmware::MOST_STRUCTURES;
    assert_eq!(count(most as u32 + 1), Err(Error::TooMany { most }));
}

#[test]
fn impossible_ones() {
    let error = |node: Vec<u8>| Rhct::parse(&rhct(&[node])).unwrap_err();
    let value = |field, value| Error::Value {
        offset: FIRST,
        field,
        value,
    };
    assert_eq!(
        error(blocks(17, 0, 0)),
        value("block size of cbo.clean", 17)
    );
    assert_eq!(error(blocks(0, 99, 0)), value("block size of prefetch", 99));
    assert_eq!(
        error(blocks(0, 0, 255)),
        value("block size of cbo.zero", 255)
    );
    for offset in [0, FIRST + 1, 0xffff_ffff] {
        let dangling = Error::Dangling {
            offset: FIRST,
            what: "the node at offset",
            number: offset as u32,
        };
        assert_eq!(error(hart(0, &[offset])), dangling);
    }
    for (bytes, offset) in [
        (isa(b"rv64"), 8),
        (blocks(6, 6, 6), 9),
        (hart(0, &[1, 2]), 12),
    ] {
        let mut short = bytes[..bytes.len() - 1].to_vec();
        short[2] -= 1;
        let found = error(short);
        let Error::Truncated { offset: at, .. } = found else {
            panic!("{found:?}")
        };
        assert_eq!(at, FIRST + offset);
    }
    let length = Error::Length {
        offset: FIRST,
        len: 8,
        least: 12,
    };
    assert_eq!(error(wide(0xffff, new().u32(0))), length);
}

#[test]
fn the_nodes_are_in_the_table() {
    let mut early = rhct(&[]);
    early[52] = 55;
    crate::build::fix(&mut early);
    let value = Error::Value {
        offset: 0,
        field: "offset of its nodes",
        value: 55,
    };
    assert_eq!(Rhct::parse(&early).unwrap_err(), value);
    let mut late = rhct(&[]);
    late[53] = 1;
    crate::build::fix(&mut late);
    let truncated = Error::Truncated {
        offset: 56 + 256,
        len: 0,
    };
    assert_eq!(Rhct::parse(&late).unwrap_err(), truncated);
    let length = Error::Length {
        offset: 0,
        len: 55,
        least: 56,
    };
    assert_eq!(Rhct::parse(&table(b"RHCT", &[0; 19])).unwrap_err(), length);
}
