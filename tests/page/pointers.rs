//! Plain function pointers, which find hooks by address.

use crate::{Device, at, my_turn, register};
use kpmem::{Error, Registered};

#[test]
fn one_call_spans_adjacent_maps_with_different_hooks() {
    let _turn = my_turn();
    let (a, b, c) = (Device::default(), Device::default(), Device::default());
    let maps = [
        c.map(0x3000, 0x1000),
        a.map(0x1000, 0x1000),
        b.map(0x2000, 0x1000),
    ];
    // Out of order: they are found by address.
    let functions = [0, 1, 2].map(|i| register(&maps[i], i).unwrap());
    let [persist, same, _] = functions.each_ref().map(Registered::persist_fn);
    assert!(std::ptr::fn_addr_eq(persist, same));
    // SAFETY: the range is covered by the three maps.
    unsafe { persist(at(0x1800), 0x2000) };
    assert_eq!(a.flushed(), [(0x1800, 0x800)]);
    assert_eq!(b.flushed(), [(0x2000, 0x1000)]);
    assert_eq!(c.flushed(), [(0x3000, 0x800)]);
    assert_eq!([&a, &b, &c].map(Device::drains), [1; 3]);
    maps.iter().for_each(|map| map.drain().unwrap());
    assert_eq!([&a, &b, &c].map(Device::drains), [0; 3]);
}

#[test]
fn a_wrapping_range_is_synced_on_both_sides() {
    let _turn = my_turn();
    let device = Device::default();
    let maps = [device.map(usize::MAX - 0xfff, 0x1000), device.map(1, 0xfff)];
    let functions = [0, 1].map(|i| register(&maps[i], i).unwrap());
    // SAFETY: the hook only remembers, so what it is given need not be mapped.
    unsafe { functions[0].flush_fn()(at(usize::MAX), 3) };
    assert_eq!(device.flushed(), [(usize::MAX, 1), (1, 1)]);
    // The byte at 0 is in no map.
    let (start, len) = (0, 1);
    assert_eq!(maps[0].drain(), Err(Error::NotCovered { start, len }));
}

#[test]
fn an_address_has_one_hook_and_a_slot_one_map() {
    let _turn = my_turn();
    let (first, second) = (Device::default(), Device::default());
    let map = first.map(0x1000, 0x1000);
    let functions = register(&map, 0).unwrap();
    for (start, len) in [(0x1000, 0x1000), (0x1fff, 1), (0xfff, 2), (0x800, 0x2000)] {
        let overlap = Error::Overlap {
            start,
            len,
            other_start: 0x1000,
            other_len: 0x1000,
        };
        let other = second.map(start, len);
        assert_eq!(register(&other, 1).unwrap_err(), overlap);
        // Only the pointers need one hook an address.
        other.persist(at(start), len).unwrap();
    }
    let (start, len) = (0x3000, 0x1000);
    let other = second.map(start, len);
    let in_use = Error::SlotInUse { start, len };
    assert_eq!(register(&other, 0).unwrap_err(), in_use);
    drop(functions);
    let _functions = register(&other, 0).unwrap();
}
