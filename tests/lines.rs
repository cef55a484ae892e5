//! Line arithmetic, for every line size: each line that a range touches is written back once, and
//! the fence comes last.

mod common;

use common::{Event, Recording, check, record, recorded};
use kpmem::{Fixed, Granularity, Lines, Map, Primitives, Table};

#[test]
fn every_line_once_and_the_fence_last() {
    check::<Lines<Recording, 8>>().unwrap();
    check::<Lines<Recording, 16>>().unwrap();
    check::<Lines<Recording, 32>>().unwrap();
    check::<Lines<Recording, 64>>().unwrap();
    check::<Lines<Recording, 128>>().unwrap();
    check::<Lines<Recording, 256>>().unwrap();
}

const LINE: usize = 64;

fn touched(ptr: *const u8, len: usize) -> std::ops::RangeInclusive<usize> {
    ptr.addr() / LINE..=ptr.addr().wrapping_add(len).wrapping_sub(1) / LINE
}

/// The defects that hand-rolled flush loops have, PMDK's own among them.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Defect {
    LastLineSkipped,
    FirstLineSkipped,
    StrideDoubled,
    FlushedTwice,
    EndComparedAsAddress,
    NoBytesFlushed,
    FenceMissing,
    FenceFirst,
}

struct Broken<const DEFECT: u8>;

// SAFETY: it only records, at addresses that nobody stores to.
unsafe impl<const DEFECT: u8> Primitives for Broken<DEFECT> {
    const NAME: &'static str = "broken";
    const GRANULARITY: Granularity = Granularity::CacheLine;
    const LINE: usize = LINE;
    type Copies = kpmem::arch::LineCopies;

    unsafe fn flush(ptr: *const u8, len: usize) {
        let is = |defect: Defect| DEFECT == defect as u8;
        if len == 0 && !is(Defect::NoBytesFlushed) {
            return;
        }
        if is(Defect::EndComparedAsAddress) && ptr.addr().wrapping_add(len) < ptr.addr() {
            return;
        }
        let lines = touched(ptr, len);
        let (first, last) = (*lines.start(), *lines.end());
        for line in lines.step_by(if is(Defect::StrideDoubled) { 2 } else { 1 }) {
            let skipped = is(Defect::LastLineSkipped) && line == last && line != first
                || is(Defect::FirstLineSkipped) && line == first && line != last;
            if !skipped {
                record(Event::WriteBack(line * LINE));
            }
            if is(Defect::FlushedTwice) {
                record(Event::WriteBack(line * LINE));
            }
        }
    }

    fn drain() {
        if DEFECT != Defect::FenceMissing as u8 {
            record(Event::Drain);
        }
    }

    unsafe fn persist(ptr: *const u8, len: usize) {
        let fence_first = DEFECT == Defect::FenceFirst as u8;
        if fence_first {
            Self::drain();
        }
        // SAFETY: it only records.
        unsafe { Self::flush(ptr, len) };
        if !fence_first {
            Self::drain();
        }
    }
}

fn must_fail<const DEFECT: u8>() {
    let verdict = check::<Broken<DEFECT>>();
    recorded();
    assert!(verdict.is_err(), "the suite passed defect {DEFECT}");
}

#[test]
fn the_suite_fails_every_broken_loop() {
    must_fail::<{ Defect::LastLineSkipped as u8 }>();
    must_fail::<{ Defect::FirstLineSkipped as u8 }>();
    must_fail::<{ Defect::StrideDoubled as u8 }>();
    must_fail::<{ Defect::FlushedTwice as u8 }>();
    must_fail::<{ Defect::EndComparedAsAddress as u8 }>();
    must_fail::<{ Defect::NoBytesFlushed as u8 }>();
    must_fail::<{ Defect::FenceMissing as u8 }>();
    must_fail::<{ Defect::FenceFirst as u8 }>();
}

#[test]
fn a_range_that_wraps_is_not_silently_skipped() {
    let table = Table::of::<Lines<Recording, LINE>>();
    let ptr = std::ptr::without_provenance(usize::MAX - 7);
    // SAFETY: the instruction only records.
    unsafe { table.flush_fn()(ptr, 16) };
    let top = usize::MAX - (LINE - 1);
    assert_eq!(recorded(), [Event::WriteBack(top), Event::WriteBack(0)]);
}

#[test]
fn a_fixed_map_has_the_functions_of_its_table() {
    type P = Lines<Recording, 64>;
    let base = std::ptr::without_provenance_mut(0x1000);
    // SAFETY: the instruction only records, so the range need not be mapped.
    let map = unsafe { Map::<Fixed<P>>::fixed(base, 0x1000) }.unwrap();
    map.persist(base.wrapping_add(63), 2).unwrap();
    let inlined = recorded();
    // SAFETY: as above.
    unsafe { map.persist_fn()(base.wrapping_add(63), 2) };
    assert_eq!(inlined, recorded());
    let lines = [Event::WriteBack(0x1000), Event::WriteBack(0x1040)];
    assert_eq!(inlined, [&lines[..], &[Event::Drain]].concat());
}

#[test]
fn many_flushes_share_one_drain() {
    static TABLES: [Table; 1] = [Table::of::<Lines<Recording, 64>>()];
    let base: *mut u8 = std::ptr::without_provenance_mut(0x1000);
    // SAFETY: the instruction only records, so the range need not be mapped.
    let map = unsafe { Map::with_table(base, 0x1000, &TABLES[0]) }.unwrap();
    for i in 0..8 {
        map.flush(base.wrapping_add(i * 64), 64).unwrap();
    }
    map.drain().unwrap();
    let log = recorded();
    assert_eq!(log.len(), 9);
    assert_eq!(log.iter().filter(|e| **e == Event::Drain).count(), 1);
    assert_eq!(log.last(), Some(&Event::Drain));
}

#[test]
fn touching_maps_with_the_same_function_are_persisted_by_one_call() {
    static TABLES: [Table; 1] = [Table::of::<Lines<Recording, 64>>()];
    let at = std::ptr::without_provenance_mut;
    // SAFETY: the instruction only records, so the ranges need not be mapped.
    let maps = [0x1000, 0x1080].map(|a| unsafe { Map::with_table(at(a), 0x80, &TABLES[0]) });
    let [low, high] = maps.map(Result::unwrap);
    assert!(std::ptr::fn_addr_eq(low.persist_fn(), high.persist_fn()));
    // SAFETY: as above.
    unsafe { low.persist_fn()(low.address(), 0x100) };
    assert_eq!(recorded().len(), 5);
}
