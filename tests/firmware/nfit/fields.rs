//! What a sound table says.

use super::*;
use kpmem::firmware::{
    Region,
    nfit::{
        BlockWindow, Capabilities, ControlRegion, ControlWindows, Made, Mapping, Nfit, Range,
        RangeKind, State, Structure,
    },
};

#[test]
fn of_qemu() {
    let nfit = Nfit::parse(QEMU).unwrap();
    let range = nfit.ranges().next().unwrap();
    let region = Region {
        base: 0x1_0000_0000,
        len: 64 << 20,
    };
    assert_eq!((range.region, range.kind), (region, RangeKind::Persistent));
    assert_eq!(range.domain, Some(0));
    let flush = Capabilities::CPU_CACHE_FLUSH | Capabilities::MEMORY_CONTROLLER_FLUSH;
    assert_eq!(nfit.capabilities(), flush);
    let mapping = nfit.mappings(range.index).next().unwrap();
    assert_eq!(mapping.state, State::empty());
    assert_eq!(nfit.control(mapping.control).unwrap().serial, 0x56341200);
    assert_eq!(nfit.structures().count(), 4);
}

#[test]
fn every_field() {
    let table = full();
    let nfit = Nfit::parse(&table).unwrap();
    let ranges: Vec<_> = nfit.ranges().collect();
    let first = Range {
        index: 1,
        region: Region {
            base: 0x1_0000_0000,
            len: 0x400_0000,
        },
        kind: RangeKind::Persistent,
        domain: Some(3),
        attributes: 0x8008,
        cookie: Some(0xc00c1e),
    };
    assert_eq!(ranges[0], first);
    assert_eq!((ranges[1].domain, ranges[1].cookie), (None, None));
    assert_eq!(ranges[1].kind, RangeKind::Volatile);

    let mappings: Vec<_> = nfit.mappings(1).collect();
    let first = Mapping {
        device: 0x11,
        physical: 7,
        region: 8,
        range: 1,
        control: 1,
        size: 0x1000,
        offset: 0x2000,
        address: 0x3000,
        interleave: 0,
        ways: 2,
        state: State::from_bits_retain(0b1_1111),
    };
    assert_eq!(mappings[0], first);
    assert_eq!((mappings[1].device, mappings[1].interleave), (0x12, 5));
    assert_eq!(nfit.mappings(2).count(), 0);

    let control = ControlRegion {
        index: 1,
        vendor: 0x8086,
        device: 0x79,
        revision: 1,
        subsystem: [0x8087, 0x7a, 2],
        made: Some(Made {
            location: 9,
            year: 0x26,
            week: 0x45,
        }),
        serial: 0x12345,
        format: 0x301,
        windows: None,
    };
    assert_eq!(nfit.control(1), Some(control));
    let windows = ControlWindows {
        count: 2,
        size: 0x2000,
        command: [1, 8],
        status: [9, 4],
        buffered: true,
    };
    assert_eq!(nfit.control(2).unwrap().windows, Some(windows));
    assert_eq!(nfit.control(3), None);

    let of = |device| -> Vec<_> { nfit.flush_hints(device).unwrap().addresses().collect() };
    assert_eq!(of(0x11), [0xfed0_0000, 0xfed0_0040]);
    assert_eq!(of(0x12), [0xfed1_0000]);
    assert_eq!(nfit.flush_hints(0x13), None);
    assert_eq!(nfit.capabilities(), Capabilities::from_bits_retain(0b111));

    let mut seen = 0;
    for structure in nfit.structures() {
        match structure {
            Structure::Interleave(it) => {
                assert_eq!((it.index, it.line), (5, 256));
                assert_eq!(it.lines().collect::<Vec<_>>(), [0, 2, 4]);
            }
            Structure::Smbios(smbios) => assert_eq!(smbios.data, b"smbios"),
            Structure::BlockWindow(window) => {
                let expected = BlockWindow {
                    control: 2,
                    count: 2,
                    offset: 0x100,
                    size: 0x200,
                    capacity: 0x300,
                    address: 0x400,
                };
                assert_eq!(window, expected);
            }
            Structure::Other(other) => {
                assert_eq!((other.kind, other.bytes), (99, &[99, 0, 7, 0, 1, 2, 3][..]));
            }
            _ => continue,
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn every_guid() {
    let of = |guid: &str| {
        let hex = guid.replace('-', "");
        let mut bytes: [u8; 16] =
            std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..][..2], 16).unwrap());
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        let table = nfit(&[range(1, 0, bytes, 0x1000, 0x1000)]);
        let kind = Nfit::parse(&table).unwrap().ranges().next().unwrap().kind;
        (kind, bytes)
    };
    for (guid, kind) in [
        (
            "66F0D379-B4F3-4074-AC43-0D3318B78CDB",
            RangeKind::Persistent,
        ),
        ("7305944F-FDDA-44E3-B16C-3F22D252E5D0", RangeKind::Volatile),
        ("92F701F6-13B4-405D-910B-299367E8234C", RangeKind::Control),
        (
            "91AF0530-5D86-470E-A6B0-0A2DB9408249",
            RangeKind::BlockWindow,
        ),
        (
            "77AB535A-45FC-624B-5560-F7B281D1F96E",
            RangeKind::VolatileDisk,
        ),
        (
            "3D5ABD30-4175-87CE-6D64-D2ADE523C4BB",
            RangeKind::VolatileCd,
        ),
        (
            "5CEA02C9-4D07-69D3-269F-4496FBE096F9",
            RangeKind::PersistentDisk,
        ),
        (
            "08018188-42CD-BB48-100F-5387D53DED3D",
            RangeKind::PersistentCd,
        ),
    ] {
        assert_eq!(of(guid).0, kind, "{guid}");
    }
    let (kind, bytes) = of("66F0D379-B4F3-4074-AC43-0D3318B78CDC");
    assert_eq!(kind, RangeKind::Other(bytes));
}

#[test]
fn capabilities_above_the_highest_mean_nothing() {
    for (highest, expected) in [(0, 0b1), (1, 0b11), (2, 0b111), (31, 0b1111), (255, 0b1111)] {
        let table = nfit(&[capabilities(highest, 0b1111)]);
        let found = Nfit::parse(&table).unwrap().capabilities();
        assert_eq!(found.bits(), expected, "{highest}");
    }
    let none = nfit(&[]);
    assert_eq!(
        Nfit::parse(&none).unwrap().capabilities(),
        Capabilities::empty()
    );
}

#[test]
fn states_have_names() {
    let all = State::from_bits_retain(0x7f);
    let expected = "last save failed, last restore failed, last flush failed, not armed, health \
                    events observed, health events enabled, not mapped";
    assert_eq!(all.to_string(), expected);
    assert_eq!(State::empty().to_string(), "");
    assert!(State::UNSAFE_SHUTDOWN.contains(State::FLUSH_FAILED));
    assert!(!State::UNSAFE_SHUTDOWN.contains(State::NOT_ARMED));
}

#[test]
fn what_follows_the_table_is_not_looked_at() {
    let longer = [QEMU, &[0xff; 100]].concat();
    assert_eq!(Nfit::parse(&longer).unwrap().structures().count(), 4);
}

#[test]
fn a_bit_that_was_reserved_is_no_cookie() {
    let mut old = range(1, 0, PERSISTENT, 0x1000, 0x1000);
    old[6] = 4;
    let table = nfit(&[old]);
    let nfit = Nfit::parse(&table).unwrap();
    assert_eq!(nfit.ranges().next().unwrap().cookie, None);
}

#[test]
fn no_control_region_is_number_0() {
    let table = nfit(&[control(0)]);
    assert_eq!(Nfit::parse(&table).unwrap().control(0), None);
}
