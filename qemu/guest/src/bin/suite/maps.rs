//! Making maps, and what checked calls refuse.

use crate::{
    outcome::{Case, Outcome, ensure, ensure_eq},
    selection::table,
    window::{Window, unmapped},
};
use core::ptr::null_mut;
use kpmem::{BYTE, Error, Granularity, Map};
use kpmem_runtime::{Machine, memory::PAGE};

pub const CASES: &[Case] = &[
    ("a_map_knows_what_it_was_made_of", accessors),
    ("a_map_is_refused_with_a_precise_error", refused),
    ("a_range_outside_the_map_is_an_error_and_untouched", outside),
    ("functions_are_the_same_every_time", same_functions),
];

fn accessors(machine: &Machine) -> Outcome {
    let (base, len) = (machine.address(), machine.size());
    // SAFETY: only asked, never used to make anything durable.
    let map = unsafe { Map::with_table(base, len, &BYTE) }?;
    ensure_eq!(map.address(), base);
    ensure_eq!(map.size(), len);
    ensure_eq!(map.granularity(), Granularity::Byte);
    ensure!(
        core::ptr::eq(map.table(), &BYTE),
        "another table: {:?}",
        map.table()
    );
    Ok(())
}

fn refused(machine: &Machine) -> Outcome {
    let base = machine.address();
    let start = base.addr();
    let wraps = usize::MAX - start + 2;
    let cases = [
        (null_mut(), 64, Granularity::Byte, Error::Null { len: 64 }),
        (base, 0, Granularity::Byte, Error::Empty { start }),
        (
            base,
            wraps,
            Granularity::Byte,
            Error::Wraps { start, len: wraps },
        ),
        (
            base,
            64,
            Granularity::Page,
            Error::NoHook { start, len: 64 },
        ),
    ];
    for (base, len, granularity, error) in cases {
        // SAFETY: refused.
        let map = unsafe { Map::new(base, len, granularity) };
        ensure!(
            map.as_ref().is_err_and(|e| *e == error),
            "not {error:?} but {map:?}"
        );
    }
    Ok(())
}

fn outside(machine: &Machine) -> Outcome {
    let table = table()?;
    // One page is mapped, the one before and behind are not: where the instruction looks at the
    // page tables, a touch would be a trap.
    let window = Window::new(machine, 1);
    // SAFETY: mapped, write-back; the table is selected.
    let map = unsafe { Map::with_table(window.ptr(0), PAGE, table) }?;
    let end = PAGE as isize;
    for (offset, len) in [
        (-1, 1),
        (-1, 2),
        (-1, PAGE + 2),
        (end - 1, 2),
        (end, 1),
        (0, PAGE + 1),
    ] {
        let start = window.ptr(offset);
        let (map_start, map_len) = (window.ptr(0).addr(), PAGE);
        let error = Err(Error::OutsideMap {
            start: start.addr(),
            len,
            map_start,
            map_len,
        });
        ensure_eq!(map.persist(start, len), error);
        ensure_eq!(map.flush(start, len), error);
        ensure_eq!(map.writeback_invalidate(start, len), error);
    }
    let start = window.ptr(0);
    for len in [usize::MAX, usize::MAX - start.addr() + 2] {
        ensure_eq!(
            map.persist(start, len),
            Err(Error::Wraps {
                start: start.addr(),
                len
            })
        );
    }
    ensure_eq!(map.persist(unmapped(), 0), Ok(()));
    ensure_eq!(map.persist(start, PAGE), Ok(()));
    ensure_eq!(map.writeback_invalidate(unmapped(), 0), Ok(()));
    ensure_eq!(map.writeback_invalidate(start, PAGE), Ok(()));
    ensure_eq!(map.drain(), Ok(()));
    Ok(())
}

fn same_functions(machine: &Machine) -> Outcome {
    let table = table()?;
    let half = machine.size() / 2;
    // SAFETY: the NVDIMM is mapped write-back; the table is selected.
    let first = unsafe { Map::new(machine.address(), half, Granularity::CacheLine) }?;
    // SAFETY: the same for the upper half.
    let second = unsafe { Map::new(machine.address().add(half), half, Granularity::CacheLine) }?;
    for map in [&first, &second, &first] {
        ensure_eq!(map.persist_fn() as usize, table.persist_fn() as usize);
        ensure_eq!(map.flush_fn() as usize, table.flush_fn() as usize);
        let drops = map.table().writeback_invalidate_fn();
        ensure_eq!(
            drops.map(|f| f as usize),
            table.writeback_invalidate_fn().map(|f| f as usize)
        );
        ensure_eq!(map.drain_fn() as usize, table.drain_fn() as usize);
    }
    let functions = [
        first.persist_fn() as usize,
        first.flush_fn() as usize,
        first.drain_fn() as usize,
    ];
    ensure!(!functions.contains(&0), "a function is null: {functions:?}");
    // Maps that share their functions may be persisted by one call that spans them.
    // SAFETY: both halves are mapped, and the range lies in them.
    unsafe { first.persist_fn()(machine.address().add(half - 100), 200) };
    Ok(())
}
