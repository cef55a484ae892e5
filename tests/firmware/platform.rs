use crate::{
    cedt::{UNIT, cedt, window},
    fdt::tree,
    nfit::{self, PERSISTENT, VOLATILE, capabilities, control, hints, mapping, range},
    srat::{memory, srat},
};
use kpmem::{
    Error, Granularity, PersistentRange, Platform, Source,
    firmware::{
        Region,
        cedt::Cedt,
        fdt::DeviceTree,
        nfit::{Nfit, State},
        srat::Srat,
    },
};

const BASE: u64 = 0x1_0000_0000;
const LEN: u64 = 0x1000;

fn region(base: u64, len: u64) -> Region {
    Region { base, len }
}

fn of_nfit(table: &[u8]) -> Platform<'_> {
    Platform::new().with_nfit(Nfit::parse(table).unwrap())
}

fn only<'a>(platform: &Platform<'a>) -> PersistentRange<'a> {
    let ranges: Vec<_> = platform.ranges().collect();
    assert_eq!(ranges.len(), 1, "{ranges:?}");
    ranges[0].clone()
}

#[test]
fn granularity_is_what_the_platform_flushes() {
    let plain = range(1, 0, PERSISTENT, BASE, LEN);
    for (statement, expected) in [
        (vec![], Granularity::CacheLine),
        (capabilities(2, 0b000), Granularity::CacheLine),
        (capabilities(2, 0b010), Granularity::CacheLine),
        (capabilities(2, 0b011), Granularity::Byte),
        (capabilities(2, 0b001), Granularity::Byte),
        // Bit 0 is above the highest valid capability only if none is valid, which cannot be said.
        (capabilities(0, 0b001), Granularity::Byte),
    ] {
        let table = nfit::nfit(&[plain.clone(), statement]);
        let range = only(&of_nfit(&table));
        assert_eq!(range.granularity(), expected);
        assert_eq!(range.region(), region(BASE, LEN));
        assert!(matches!(range.source(), Source::Nfit { index: 1, .. }));
    }
}

#[test]
fn volatile_ranges_are_not_persistent() {
    let table = nfit::nfit(&[range(1, 0, VOLATILE, BASE, LEN)]);
    assert_eq!(of_nfit(&table).ranges().count(), 0);
    assert!(of_nfit(&table).range(region(BASE, 8)).is_none());
    assert_eq!(Platform::new().ranges().count(), 0);
}

#[test]
fn devices_their_state_and_their_hints() {
    let full = nfit::full();
    let range = only(&of_nfit(&full));
    let devices: Vec<_> = range.devices().collect();
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[0].control.unwrap().serial, 0x12345);
    assert_eq!(devices[1].mapping.device, 0x12);
    assert_eq!(range.state().bits(), 0b1_1111);
    assert!(range.state().intersects(State::UNSAFE_SHUTDOWN));
    let hints: Vec<_> = range.flush_hints().unwrap().collect();
    assert_eq!(hints, [0xfed0_0000, 0xfed0_0040, 0xfed1_0000]);
    assert_eq!(range.domain(), Some(3));

    let bare = nfit::nfit(&[
        range_of(1),
        mapping(1, 1, 1, 0),
        control(1),
        nfit_hints_of_another(),
    ]);
    let range = only(&of_nfit(&bare));
    assert!(matches!(
        range.flush_hints().map(drop),
        Err(Error::NoDeepDomain { .. })
    ));
    assert_eq!(range.domain(), None);
}

/// A range whose attributes are these.
fn range_with(attributes: u64) -> Vec<u8> {
    let mut range = range_of(1);
    range[48..56].copy_from_slice(&attributes.to_le_bytes());
    range
}

fn range_of(index: u16) -> Vec<u8> {
    range(index, 0, PERSISTENT, BASE, LEN)
}

fn nfit_hints_of_another() -> Vec<u8> {
    hints(99, &[0xfed0_0000])
}

#[test]
fn the_affinity_table_has_the_domain_that_the_range_lacks() {
    let (table, near) = (
        nfit::nfit(&[range_of(1)]),
        srat(&[memory(5, BASE, LEN, 0b111)]),
    );
    let platform = of_nfit(&table).with_srat(Srat::parse(&near).unwrap());
    assert_eq!(only(&platform).domain(), Some(5));
    let own = nfit::nfit(&[range(1, 2, PERSISTENT, BASE, LEN)]);
    let platform = of_nfit(&own).with_srat(Srat::parse(&near).unwrap());
    assert_eq!(only(&platform).domain(), Some(3));
}

#[test]
fn cxl_windows_hold_what_the_kernel_maps() {
    let table = cedt(&[
        window([BASE, UNIT], 0, 0, 0b0110, 1),
        window([2 * BASE, UNIT], 0, 0, 0b1010, 1),
    ]);
    let near = srat(&[memory(5, 2 * BASE, UNIT, 0b111)]);
    let platform = Platform::new()
        .with_cedt(Cedt::parse(&table).unwrap())
        .with_srat(Srat::parse(&near).unwrap());
    assert_eq!(platform.ranges().count(), 0);
    let range = platform.range(region(2 * BASE + 0x1000, 0x1000)).unwrap();
    assert!(matches!(range.source(), Source::CxlWindow));
    assert_eq!(range.granularity(), Granularity::CacheLine);
    assert_eq!(range.region(), region(2 * BASE + 0x1000, 0x1000));
    assert_eq!(range.domain(), Some(5));
    assert_eq!(range.devices().count(), 0);
    // The first window is volatile; what leaves the second, wraps or is empty is not persistent.
    for (base, len) in [
        (BASE, 0x1000),
        (2 * BASE, UNIT + 1),
        (2 * BASE - 1, 2),
        (2 * BASE, 0),
        (2 * BASE, u64::MAX),
    ] {
        assert!(
            platform.range(region(base, len)).is_none(),
            "{base:#x} {len:#x}"
        );
    }
}

#[test]
fn windows_that_overlap_must_agree() {
    let windows = |kinds: u16| {
        cedt(&[
            window([BASE, 2 * UNIT], 0, 0, 0b1010, 1),
            window([BASE + UNIT, 2 * UNIT], 0, 0, kinds, 1),
        ])
    };
    for (kinds, persistent) in [(0b1010, true), (0b0110, false), (0b1110, true)] {
        let table = windows(kinds);
        let platform = Platform::new().with_cedt(Cedt::parse(&table).unwrap());
        let is = |base| platform.range(region(base, 0x1000)).is_some();
        assert!(is(BASE));
        assert_eq!(is(BASE + UNIT), persistent);
        assert_eq!(is(BASE + UNIT - 0x800), persistent);
        assert_eq!(is(BASE + 2 * UNIT), persistent);
    }
}

#[test]
fn device_trees() {
    let blob = tree(&[
        ("pmem@1", &[BASE, LEN], false),
        ("pmem@2", &[2 * BASE, LEN], true),
    ]);
    let platform = Platform::new().with_device_tree(DeviceTree::parse(&blob).unwrap());
    let range = only(&platform);
    assert_eq!(range.region(), region(BASE, LEN));
    assert!(matches!(range.source(), Source::DeviceTree));
    assert_eq!(range.granularity(), Granularity::CacheLine);
    assert_eq!(range.state(), State::empty());
}

#[test]
fn what_the_nfit_says_counts() {
    let (persistent, volatile) = (BASE, 4 * BASE);
    let table = nfit::nfit(&[
        range(1, 0, PERSISTENT, persistent, LEN),
        range(2, 0, VOLATILE, volatile, LEN),
        mapping(0x21, 1, 0, 0b1000),
    ]);
    let nodes = [persistent, persistent + 0x800, volatile];
    for node in nodes {
        let blob = tree(&[("pmem@1", &[node, LEN], false)]);
        let platform = of_nfit(&table).with_device_tree(DeviceTree::parse(&blob).unwrap());
        let found = only(&platform);
        assert!(matches!(found.source(), Source::Nfit { index: 1, .. }));
        assert!(platform.range(region(volatile, LEN)).is_none());
    }
    let windows = cedt(&[window([0, 8 * BASE], 0, 0, 0b1010, 1)]);
    let platform = of_nfit(&table).with_cedt(Cedt::parse(&windows).unwrap());
    for (base, len) in [(volatile, LEN), (persistent - 64, 128), (0, 8 * BASE)] {
        assert!(platform.range(region(base, len)).is_none(), "{base:#x}");
    }
    assert!(platform.range(region(2 * BASE, LEN)).is_some());
}

#[test]
fn hints_of_some_devices_are_none() {
    let of = |more: &[Vec<u8>]| {
        let all = [
            vec![range_of(1), mapping(1, 1, 0, 0), mapping(2, 1, 0, 0)],
            more.to_vec(),
        ];
        let table = nfit::nfit(&all.concat());
        only(&of_nfit(&table))
            .flush_hints()
            .map(Iterator::collect::<Vec<_>>)
    };
    let (one, other) = (hints(1, &[0x1000]), hints(2, &[0x2000]));
    assert_eq!(of(&[one.clone(), other]), Ok(vec![0x1000, 0x2000]));
    for some in [
        &[][..],
        std::slice::from_ref(&one),
        &[one.clone(), hints(2, &[])],
    ] {
        assert!(matches!(of(some), Err(Error::NoDeepDomain { .. })));
    }
}

#[repr(align(64))]
struct Memory([u8; LEN as usize]);

#[test]
fn maps() {
    let mut memory = Memory([0; LEN as usize]);
    let start = memory.0.as_mut_ptr();
    let map = |table: &[u8], coarsest, found: Option<*mut u8>| {
        let range = only(&of_nfit(table));
        // SAFETY: the memory is as long as the range.
        let map = unsafe {
            range.map(coarsest, |asked| {
                assert_eq!(asked, region(BASE, LEN));
                found
            })
        };
        map.map(|map| (map.address(), map.size(), map.granularity()))
    };
    let byte = nfit::nfit(&[range_of(1), capabilities(2, 3)]);
    let line = nfit::nfit(&[range_of(1)]);
    let armed = (start, LEN as usize, Granularity::Byte);
    for coarsest in [Granularity::Byte, Granularity::CacheLine, Granularity::Page] {
        assert_eq!(map(&byte, coarsest, Some(start)), Ok(armed));
    }
    let coarse = Error::TooCoarse {
        required: Granularity::Byte,
        granularity: Granularity::CacheLine,
    };
    assert_eq!(map(&line, Granularity::Byte, Some(start)), Err(coarse));
    let nowhere = Error::NotMapped {
        base: BASE,
        len: LEN,
    };
    assert_eq!(map(&byte, Granularity::Page, None), Err(nowhere));
    let null = std::ptr::null_mut();
    assert!(matches!(
        map(&byte, Granularity::Page, Some(null)),
        Err(Error::Null { .. })
    ));

    let state = |state| {
        let table = [range_of(1), mapping(0x21, 1, 0, state), capabilities(2, 3)];
        map(&nfit::nfit(&table), Granularity::Page, Some(start))
    };
    assert_eq!(state(0b0111), Ok(armed)); // what was lost is lost; what comes is kept
    assert_eq!(state(0b100_0000), Err(nowhere)); // the firmware could not map it
    let uncached = [range_with(0x1), capabilities(2, 3)];
    let refused = Error::NotWriteBack {
        base: BASE,
        len: LEN,
    };
    assert_eq!(
        map(&nfit::nfit(&uncached), Granularity::Page, Some(start)),
        Err(refused)
    );
    let not_armed = Error::NotArmed {
        base: BASE,
        device: 0x21,
    };
    assert_eq!(state(0b1000), Err(not_armed));
}

#[test]
fn a_part_of_a_range() {
    let table = nfit::nfit(&[range_of(1), capabilities(2, 3)]);
    let platform = of_nfit(&table);
    let part = platform.range(region(BASE + 64, 128)).unwrap();
    assert_eq!(part.region(), region(BASE + 64, 128));
    assert_eq!(part.granularity(), Granularity::Byte);
    assert!(platform.range(region(BASE + LEN - 64, 65)).is_none());
}

#[test]
fn regions() {
    let all = region(0, u64::MAX);
    assert_eq!(all.last(), Some(u64::MAX - 1));
    assert_eq!(region(u64::MAX, 1).last(), Some(u64::MAX));
    assert_eq!(region(u64::MAX, 2).last(), None);
    assert!(all.contains(region(5, 5)) && !all.contains(region(u64::MAX, 1)));
    assert!(!region(5, 0).contains(region(5, 1)) && !all.contains(region(5, 0)));
    assert!(region(5, 5).overlaps(region(9, 1)) && !region(5, 5).overlaps(region(10, 1)));
    assert!(region(9, 1).overlaps(region(5, 5)) && !region(10, 1).overlaps(region(5, 5)));
    assert!(!region(5, 0).overlaps(all) && !all.overlaps(region(5, 0)));
    assert_eq!(region(0x10, 0x20).to_string(), "0x20 bytes at 0x10");
}
