//! What a map refuses, and that a refused call touches nothing.

mod common;

use common::{Event, Recording, recorded};
use kpmem::{BYTE, Byte, Error, Fixed, Flags, Granularity, Lines, Map, Table, select};

static TABLES: [Table; 2] = [
    Table::of::<Lines<Recording, 64>>(),
    Table::of::<Lines<Recording, 128>>(),
];

fn at(address: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(address)
}

fn map(base: usize, len: usize) -> Result<Map, Error> {
    // SAFETY: the instruction only records, so the range need not be mapped.
    unsafe { Map::with_table(at(base), len, &TABLES[0]) }
}

#[test]
fn bad_ranges_are_refused_when_a_map_is_made() {
    let start = usize::MAX - 0xfff;
    assert_eq!(map(0, 64).unwrap_err(), Error::Null { len: 64 });
    assert_eq!(map(64, 0).unwrap_err(), Error::Empty { start: 64 });
    assert_eq!(
        map(start, 0x1001).unwrap_err(),
        Error::Wraps { start, len: 0x1001 }
    );
    assert_eq!(
        map(1, usize::MAX).map(|m| m.size()),
        Ok(usize::MAX),
        "all but the null byte"
    );
    assert_eq!(map(start, 0x1000).map(|m| m.size()), Ok(0x1000));
}

#[test]
fn ranges_outside_the_map_are_refused_and_nothing_is_touched() {
    let map = map(0x1000, 0x100).unwrap();
    let outside = |start, len| Error::OutsideMap {
        start,
        len,
        map_start: 0x1000,
        map_len: 0x100,
    };
    for (start, len) in [
        (0xfff, 1),
        (0xfff, 2),
        (0x1000, 0x101),
        (0x10ff, 2),
        (0x1100, 1),
        (0x800, 0x1000),
        (0, 1),
        (0, usize::MAX),
    ] {
        assert_eq!(map.persist(at(start), len), Err(outside(start, len)));
        assert_eq!(map.flush(at(start), len), Err(outside(start, len)));
    }
    for (start, len) in [(0x1000, usize::MAX), (usize::MAX, 2)] {
        assert_eq!(
            map.persist(at(start), len),
            Err(Error::Wraps { start, len })
        );
        assert_eq!(map.flush(at(start), len), Err(Error::Wraps { start, len }));
    }
    assert_eq!(recorded(), []);
    map.persist(at(0x10ff), 1).unwrap();
    assert_eq!(recorded(), [Event::WriteBack(0x10c0), Event::Drain]);
}

#[test]
fn no_bytes_are_flushed_whatever_the_pointer() {
    let map = map(0x1000, 0x100).unwrap();
    for start in [0, 1, 0xfff, 0x1001, 0x1100, usize::MAX] {
        map.flush(at(start), 0).unwrap();
        assert_eq!(recorded(), []);
        // Flush and drain, as always; the checked call and the plain one agree.
        map.persist(at(start), 0).unwrap();
        // SAFETY: the instruction only records.
        unsafe { map.persist_fn()(at(start), 0) };
        assert_eq!(recorded(), [Event::Drain, Event::Drain]);
    }
}

#[test]
fn only_cache_line_maps_drop_lines() {
    let lines = map(0x1000, 0x100).unwrap();
    lines.writeback_invalidate(at(0x103f), 2).unwrap();
    assert_eq!(
        recorded(),
        [
            Event::WriteBackInvalidate(0x1000),
            Event::WriteBackInvalidate(0x1040),
            Event::DrainInvalidate
        ]
    );
    assert!(lines.writeback_invalidate(at(0x10ff), 2).is_err());
    // SAFETY: nothing is touched.
    let bytes = unsafe { Map::with_table(at(0x1000), 0x100, &BYTE) }.unwrap();
    // SAFETY: as above.
    let fixed = unsafe { Map::<Fixed<Byte>>::fixed(at(0x1000), 0x100) }.unwrap();
    let granularity = Granularity::Byte;
    for result in [
        bytes.writeback_invalidate(at(0x1000), 8),
        fixed.writeback_invalidate(at(0x1000), 8),
    ] {
        assert!(
            matches!(result, Err(Error::NotInvalidated { granularity: g, .. }) if g == granularity)
        );
    }
    assert_eq!(recorded(), []);
}

/// A map whose address is known is a `static`.
#[test]
fn maps_are_made_at_compile_time() {
    // SAFETY: the instruction only records.
    static FIXED: Map<Fixed<Lines<Recording, 64>>> = match unsafe { Map::fixed_at(0x1000, 0x1000) }
    {
        Ok(map) => map,
        Err(_) => panic!("no such range"),
    };
    // SAFETY: as above.
    static TABLED: Result<Map, Error> = unsafe { Map::with_table_at(0x1000, 0x1000, &TABLES[1]) };
    FIXED.persist(at(0x1040), 1).unwrap();
    TABLED.as_ref().unwrap().persist(at(0x1040), 1).unwrap();
    let drain = Event::Drain;
    let (small, large) = (Event::WriteBack(0x1040), Event::WriteBack(0x1000));
    assert_eq!(recorded(), [small, drain, large, drain]);
    // SAFETY: no map is made.
    let refused = unsafe {
        [
            Map::<Fixed<Byte>>::fixed_at(0, 8).unwrap_err(),
            Map::<Fixed<Byte>>::fixed_at(8, 0).unwrap_err(),
            Map::<Fixed<Byte>>::fixed_at(usize::MAX, 2).unwrap_err(),
        ]
    };
    let start = usize::MAX;
    let expected = [
        Error::Null { len: 8 },
        Error::Empty { start: 8 },
        Error::Wraps { start, len: 2 },
    ];
    assert_eq!(refused, expected);
}

/// Nothing of a word is left out, also where lines are as small as it.
#[test]
fn a_commit_word_is_flushed_whole() {
    let mut memory = [0_u64; 8];
    let base: *mut u8 = memory.as_mut_ptr().cast();
    // SAFETY: the instruction only records, and the memory is only used by the map.
    let map = unsafe { Map::<Fixed<Lines<Recording, 8>>>::fixed(base, 64) }.unwrap();
    // SAFETY: as above.
    unsafe { map.write_with(base.add(8).cast(), 7_u64, Flags::TEMPORAL) }.unwrap();
    assert_eq!(
        recorded(),
        [Event::WriteBack(base.addr() + 8), Event::Drain]
    );
    assert_eq!(memory[1], 7);
}

#[test]
fn a_range_may_end_at_the_top_of_the_address_space() {
    let start = usize::MAX - 0xff;
    let map = map(start, 0x100).unwrap();
    map.persist(at(usize::MAX), 1).unwrap();
    assert_eq!(
        recorded(),
        [Event::WriteBack(usize::MAX - 63), Event::Drain]
    );
    map.flush(at(start), 0x100).unwrap();
    assert_eq!(recorded().len(), 4);
}

#[test]
fn functions_are_the_same_every_time() {
    let map = map(0x1000, 0x100).unwrap();
    assert!(std::ptr::fn_addr_eq(map.persist_fn(), map.persist_fn()));
    assert!(std::ptr::fn_addr_eq(map.flush_fn(), map.flush_fn()));
    assert!(std::ptr::fn_addr_eq(map.drain_fn(), map.drain_fn()));
    assert_eq!((map.address(), map.size()), (at(0x1000), 0x100));
    assert_eq!(map.granularity(), Granularity::CacheLine);
}

#[test]
fn byte_granularity_flushes_nothing() {
    // SAFETY: byte granularity touches nothing, so the range need not be mapped.
    let map = unsafe { Map::new(at(0x1000), 0x100, Granularity::Byte) }.unwrap();
    assert_eq!((map.table().name(), map.table().line()), ("byte", 1));
    map.persist(at(0x1000), 0x100).unwrap();
    map.flush(at(0x1001), 0x10).unwrap();
    map.drain().unwrap();
    assert!(map.persist(at(0x1000), 0x101).is_err());
    // SAFETY: as above.
    let fixed = unsafe { Map::<Fixed<Byte>>::fixed(at(0x1000), 0x100) }.unwrap();
    fixed.persist(at(0x10ff), 1).unwrap();
    assert_eq!(fixed.granularity(), Granularity::Byte);
}

#[test]
fn page_granularity_needs_a_hook() {
    let expected = Error::NoHook {
        start: 0x1000,
        len: 64,
    };
    // SAFETY: no map is made.
    let made = unsafe { Map::new(at(0x1000), 64, Granularity::Page) };
    assert_eq!(made.unwrap_err(), expected);
}

#[test]
fn a_table_is_found_by_its_line_size() {
    assert_eq!(Table::with_line(&TABLES, 128).map(Table::line), Ok(128));
    for line in [0, 1, 32, 96, 256, usize::MAX] {
        let instruction = "recording";
        assert_eq!(
            Table::with_line(&TABLES, line).unwrap_err(),
            Error::LineSize { line, instruction }
        );
    }
}

#[test]
fn selection_happens_once_and_takes_cache_line_tables_only() {
    let wrong = Error::WrongGranularity {
        expected: Granularity::CacheLine,
        table: "byte",
    };
    // SAFETY: this process makes no map whose stores must last.
    unsafe {
        assert_eq!(select(&BYTE), Err(wrong));
        assert_eq!(select(&TABLES[0]), Ok(()));
        assert_eq!(select(&TABLES[0]), Ok(()));
        let selected = "recording";
        let taken = Error::AlreadySelected { selected, line: 64 };
        assert_eq!(select(&TABLES[1]), Err(taken));
        let map = Map::new(at(0x1000), 64, Granularity::CacheLine).unwrap();
        assert!(std::ptr::eq(map.table(), &TABLES[0]));
    }
}

#[test]
fn errors_name_what_was_wrong_and_where() {
    let text = map(0x1000, 0x100)
        .unwrap()
        .persist(at(0x2000), 8)
        .unwrap_err()
        .to_string();
    for part in ["0x8 bytes", "0x2000", "0x100 bytes", "0x1000"] {
        assert!(text.contains(part), "{text}");
    }
    let outside = map(0x1000, 0x100).unwrap().persist(at(0x2000), 8);
    let redacted = outside.unwrap_err().redacted();
    let decimal = |text: &str| text.contains("8192") || text.contains("4096");
    for text in [redacted.to_string(), format!("{redacted:?}")] {
        assert!(text.contains("0x8 bytes"), "{text}");
        assert!(!text.contains("000") && !decimal(&text), "{text}");
    }
    let error: &dyn core::error::Error = &Error::Null { len: 4096 };
    assert!(error.to_string().contains("4096"));
}
