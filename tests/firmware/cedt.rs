use crate::build::{new, table};
use kpmem::firmware::{
    Error, Region,
    cedt::{Cedt, HostBridge, Restrictions, Structure},
};

/// What windows are multiples of.
pub const UNIT: u64 = 256 << 20;

/// A structure of a type of one byte and a length of two.
fn structure(kind: u8, body: &[u8]) -> Vec<u8> {
    new()
        .u8(kind)
        .u8(0)
        .u16(body.len() as u16 + 4)
        .bytes(body)
        .0
}

fn host_bridge() -> Vec<u8> {
    structure(
        0,
        &new().u32(7).u32(1).u32(0).u64(0x8000_0000).u64(0x1_0000).0,
    )
}

/// A window of encoded ways and granularity, with this many targets.
pub fn window(
    region: [u64; 2],
    ways: u8,
    granularity: u32,
    restrictions: u16,
    targets: u32,
) -> Vec<u8> {
    let body = new()
        .u32(0)
        .u64(region[0])
        .u64(region[1])
        .u8(ways)
        .u8(1)
        .u16(0);
    let body = body.u32(granularity).u16(restrictions).u16(9);
    let body = (0..targets).fold(body, |body, target| body.u32(0x10 + target));
    structure(1, &body.0)
}

pub fn cedt(structures: &[Vec<u8>]) -> Vec<u8> {
    table(b"CEDT", &structures.concat())
}

#[test]
fn every_field() {
    let table = cedt(&[
        host_bridge(),
        window([0x1_0000_0000, 2 * UNIT], 1, 2, 0b10_1011, 2),
        structure(3, &[0; 8]),
    ]);
    let cedt = Cedt::parse(&table).unwrap();
    let structures: Vec<_> = cedt.structures().collect();
    let registers = Region {
        base: 0x8000_0000,
        len: 0x1_0000,
    };
    let bridge = HostBridge {
        uid: 7,
        version: 1,
        registers,
    };
    assert_eq!(structures[0], Structure::HostBridge(bridge));
    assert_eq!(structures[2], Structure::Other(3));
    let windows: Vec<_> = cedt.windows().collect();
    let [window] = windows[..] else {
        panic!("{windows:?}")
    };
    let region = Region {
        base: 0x1_0000_0000,
        len: 2 * UNIT,
    };
    assert_eq!(window.region, region);
    let kinds = Restrictions::DEVICE_COHERENT
        | Restrictions::HOST_ONLY_COHERENT
        | Restrictions::PERSISTENT
        | Restrictions::BACK_INVALIDATE;
    assert_eq!(window.restrictions, kinds);
    assert_eq!(
        (window.granularity, window.arithmetic, window.group),
        (1024, 1, 9)
    );
    assert_eq!(window.targets().collect::<Vec<_>>(), [0x10, 0x11]);
}

#[test]
fn interleaving() {
    let of = |ways, granularity, targets| {
        let table = cedt(&[window([UNIT, 48 * UNIT], ways, granularity, 8, targets)]);
        let cedt = Cedt::parse(&table)?;
        let window = cedt.windows().next().unwrap();
        Ok::<_, Error>((window.targets().count(), window.granularity))
    };
    for (encoded, ways) in [
        (0, 1),
        (1, 2),
        (2, 4),
        (3, 8),
        (4, 16),
        (8, 3),
        (9, 6),
        (10, 12),
    ] {
        assert_eq!(of(encoded, 0, ways), Ok((ways as usize, 256)));
        let truncated = Error::Truncated {
            offset: 36 + 36,
            len: 4 * ways as usize,
        };
        assert_eq!(of(encoded, 0, ways - 1), Err(truncated));
    }
    for encoded in [5, 6, 7, 11, 255] {
        let value = Error::Value {
            offset: 36,
            field: "number of interleave ways",
            value: encoded.into(),
        };
        assert_eq!(of(encoded, 0, 16), Err(value));
    }
    assert_eq!(of(0, 6, 1), Ok((1, 16 << 10)));
    assert_eq!(of(0, 7, 1), Ok((1, 0))); // means nothing for one target
    let value = Error::Value {
        offset: 36,
        field: "interleave granularity",
        value: 7,
    };
    assert_eq!(of(1, 7, 2), Err(value));
}

#[test]
fn impossible_ones() {
    for (region, ways, field, value) in [
        ([UNIT, 0], 0, "length", 0),
        ([0u64.wrapping_sub(UNIT), 2 * UNIT], 0, "length", 2 * UNIT),
        ([UNIT / 2, UNIT], 0, "base", UNIT / 2),
        ([UNIT, UNIT / 2], 0, "length", UNIT / 2),
        ([UNIT, UNIT], 1, "length", UNIT),
        ([UNIT, 8 * UNIT], 8, "length", 8 * UNIT),
    ] {
        let value = Error::Value {
            offset: 36,
            field,
            value,
        };
        let table = cedt(&[window(region, ways, 0, 8, 3)]);
        assert_eq!(Cedt::parse(&table).unwrap_err(), value);
    }
    for (bytes, least) in [(host_bridge(), 32), (window([UNIT, UNIT], 0, 0, 8, 0), 36)] {
        for len in 4..least {
            let mut short = bytes[..len].to_vec();
            short[2] = len as u8;
            let length = Error::Length {
                offset: 36,
                len,
                least,
            };
            assert_eq!(Cedt::parse(&cedt(&[short])).unwrap_err(), length);
        }
    }
    let other = Error::Signature { expected: "CEDT" };
    assert_eq!(Cedt::parse(b"NFIT").unwrap_err(), other);
}
