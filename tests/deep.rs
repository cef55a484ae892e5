//! Deep flush: the order of what is done, what the domain is asked, and its failures.

mod common;

use std::cell::RefCell;

use common::{Event, Recording, recorded};
use kpmem::{Error, Hook, Lines, Map, Table, deep::ByTable};

static TABLE: Table = Table::of::<Lines<Recording, 64>>();

const BASE: usize = 0x10_0000;

fn at(address: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(address)
}

fn map() -> Map {
    // SAFETY: the table stores nothing, so there is nothing to make durable.
    unsafe { Map::with_table(at(BASE), 4096, &TABLE) }.unwrap()
}

/// The range, or none for a drain; what had been recorded.
type Asked = (Option<(usize, usize)>, Vec<Event>);

/// A domain that remembers what it was asked, and what had been recorded by then.
#[derive(Default)]
struct Domain {
    asked: RefCell<Vec<Asked>>,
    code: i32,
}

impl Domain {
    fn answer(&self) -> Result<(), i32> {
        match self.code {
            0 => Ok(()),
            code => Err(code),
        }
    }
}

impl Hook for Domain {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        let range = Some((ptr.addr(), len));
        self.asked.borrow_mut().push((range, recorded()));
        self.answer()
    }

    fn drain(&self) -> Result<(), i32> {
        self.asked.borrow_mut().push((None, recorded()));
        self.answer()
    }
}

#[test]
fn the_bytes_are_durable_before_the_domain_is_asked() {
    let (map, domain) = (map(), Domain::default());
    map.deep_flush(&domain, at(BASE + 60), 8).unwrap();
    let persisted = vec![
        Event::WriteBack(BASE),
        Event::WriteBack(BASE + 64),
        Event::Drain,
    ];
    let expected = [(Some((BASE + 60, 8)), persisted), (None, vec![])];
    assert_eq!(domain.asked.take(), expected);
    assert_eq!(recorded(), []);
}

#[test]
fn many_ranges_share_one_drain() {
    let (map, domain) = (map(), Domain::default());
    map.deep_flush_start(&domain, at(BASE), 8).unwrap();
    map.deep_flush_start(&domain, at(BASE + 64), 8).unwrap();
    map.deep_flush_start(&domain, at(0), 0).unwrap();
    map.deep_drain(&domain).unwrap();
    let ranges: Vec<_> = domain
        .asked
        .take()
        .into_iter()
        .map(|(range, _)| range)
        .collect();
    assert_eq!(ranges, [Some((BASE, 8)), Some((BASE + 64, 8)), None]);
}

#[test]
fn failures_surface_and_bad_ranges_ask_nobody() {
    let failing = Domain {
        code: -5,
        ..Domain::default()
    };
    let map = map();
    let sync = |start, len| {
        Err(Error::Sync {
            start,
            len,
            code: -5,
        })
    };
    assert_eq!(map.deep_flush(&failing, at(BASE), 8), sync(BASE, 8));
    assert_eq!(map.deep_drain(&failing), sync(BASE, 4096));
    let domain = Domain::default();
    for (start, len) in [(BASE - 1, 2), (BASE, 4097), (BASE + 8, usize::MAX)] {
        assert!(map.deep_flush(&domain, at(start), len).is_err());
    }
    assert!(domain.asked.take().is_empty());
}

#[test]
fn a_byte_map_has_no_way_to_a_domain() {
    // SAFETY: nothing is stored to the range.
    let map = unsafe { Map::with_table(at(BASE), 4096, &kpmem::BYTE) }.unwrap();
    let domain = Domain::default();
    let refused = map.deep_flush(&domain, at(BASE), 8);
    assert!(matches!(refused, Err(Error::NoDeepDomain { .. })));
    assert!(domain.asked.take().is_empty());
}

#[test]
fn a_table_is_a_domain() {
    static DEEP: Table = Table::of::<Lines<Recording, 128>>();
    // SAFETY: as for the map's table.
    let domain = unsafe { ByTable::new(&DEEP) };
    recorded();
    map().deep_flush(&domain, at(BASE + 64), 64).unwrap();
    let expected = [
        Event::WriteBack(BASE + 64),
        Event::Drain,
        Event::WriteBack(BASE), // of 128 bytes
        Event::Drain,
    ];
    assert_eq!(recorded(), expected);
}

#[cfg(feature = "nfit")]
mod with_firmware {
    use super::*;
    use kpmem::{
        deep::{ByPhysical, Hints, PhysicalCaches},
        firmware::Region,
    };

    #[test]
    fn each_hint_is_stored_to() {
        let mut registers = [0_u64; 3];
        let hints: [std::ptr::NonNull<u64>; 3] =
            std::array::from_fn(|at| std::ptr::NonNull::from(&mut registers[at]));
        // SAFETY: the registers are there.
        let stored = || hints.map(|hint| unsafe { hint.read_volatile() });
        // SAFETY: registers that nobody else uses.
        let domain = unsafe { Hints::new(hints) }.unwrap();
        let map = map();
        map.deep_flush_start(&domain, at(BASE), 8).unwrap();
        assert_eq!(stored(), [0; 3]);
        map.deep_drain(&domain).unwrap();
        assert_eq!(stored(), [1; 3]);
    }

    #[test]
    fn without_hints_there_is_no_domain() {
        // SAFETY: there are none.
        let none = unsafe { Hints::new(&[][..]) };
        assert!(matches!(none, Err(Error::NoDeepDomain { .. })));
    }

    #[derive(Default)]
    struct Caches(RefCell<Vec<Option<Region>>>);

    impl PhysicalCaches for &Caches {
        fn write_back(&self, region: Region) -> Result<(), i32> {
            self.0.borrow_mut().push(Some(region));
            Ok(())
        }

        fn wait(&self) -> Result<(), i32> {
            self.0.borrow_mut().push(None);
            Ok(())
        }
    }

    #[test]
    fn caches_by_physical_range() {
        let (caches, region) = (Caches::default(), |base, len| Region { base, len });
        let domain = ByPhysical::new(at(BASE), region(0x8000_0000, 4096), &caches);
        map().deep_flush(&domain, at(BASE + 100), 8).unwrap();
        assert_eq!(caches.0.take(), [Some(region(0x8000_0064, 8)), None]);
        for (start, len) in [
            (BASE - 1, 1),
            (BASE + 4096, 1),
            (BASE + 4095, 2),
            (BASE + 8, 1 << 63),
        ] {
            let outside = ByPhysical::<&Caches>::OUTSIDE;
            assert_eq!(domain.flush(at(start), len), Err(outside), "{start:#x}");
        }
        assert!(caches.0.take().is_empty());
    }
}
