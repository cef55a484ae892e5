//! Ranges at the edges of what is mapped, and of the address space.

use crate::{
    outcome::{Case, Outcome, ensure, ensure_eq},
    selection::table,
    window::{Window, unmapped},
};
use core::{
    ptr::{null_mut, without_provenance_mut},
    slice,
};
use kpmem::{BYTE, Map, PersistFn, Table};
use kpmem_log::pattern;
use kpmem_runtime::{Machine, memory::PAGE, trap::faults};

pub const CASES: &[Case] = &[
    ("no_bytes_are_no_access", no_bytes),
    ("a_range_between_guard_pages_does_not_fault", between_guards),
    ("a_range_that_ends_at_the_top_works", top),
];

/// Those that take a range.
fn functions(table: &Table) -> impl Iterator<Item = PersistFn> {
    let durable = [table.persist_fn(), table.flush_fn()];
    durable.into_iter().chain(table.writeback_invalidate_fn())
}

fn no_bytes(_: &Machine) -> Outcome {
    let selected = table()?;
    let odd = unmapped().wrapping_add(13);
    for table in [selected, &BYTE] {
        for ptr in [
            unmapped(),
            odd,
            null_mut(),
            without_provenance_mut(usize::MAX),
        ] {
            for function in functions(table) {
                // SAFETY: no bytes are no demand on the pointer.
                let faulted = unsafe { faults(function, ptr, 0) };
                ensure!(!faulted, "{}: no bytes at {ptr:p} fault", table.name());
            }
        }
    }
    Ok(())
}

fn between_guards(machine: &Machine) -> Outcome {
    let table = table()?;
    let window = Window::new(machine, 1);
    for len in 1..=3 * table.line() {
        for start in [0, PAGE - len] {
            let ptr = window.ptr(start as isize);
            for function in functions(table) {
                // SAFETY: the range is mapped.
                let faulted = unsafe { faults(function, ptr, len) };
                ensure!(!faulted, "{len} bytes at offset {start} of a page fault");
            }
        }
    }
    Ok(())
}

fn top(machine: &Machine) -> Outcome {
    let table = table()?;
    let window = Window::top(machine);
    // SAFETY: mapped, write-back; the table is selected.
    let map = unsafe { Map::with_table(window.ptr(0), window.len(), table) }?;
    for len in (1..=3 * table.line()).chain([PAGE]) {
        let start = window.ptr((PAGE - len) as isize);
        ensure_eq!(start.addr().wrapping_add(len), 0);
        // The last byte of the address space belongs to no slice in Rust.
        // SAFETY: mapped, and only this case uses it.
        let bytes = unsafe { slice::from_raw_parts_mut(start, len - 1) };
        bytes
            .iter_mut()
            .zip(pattern(len as u64))
            .for_each(|(byte, value)| *byte = value);
        // SAFETY: as above.
        unsafe { start.add(len - 1).write_volatile(0x77) };
        map.persist(start, len)?;
        // SAFETY: the range is mapped.
        let faulted = unsafe { faults(map.persist_fn(), start, len) };
        ensure!(!faulted, "the last {len} bytes fault");
        // The same bytes at their usual address.
        let alias = machine.address().wrapping_add(PAGE - len);
        // SAFETY: inside the NVDIMM, and the slice above is not used any more.
        let same = unsafe { slice::from_raw_parts(alias, len) };
        let (last, rest) = same.split_last().expect("not empty");
        ensure!(
            rest.iter().copied().eq(pattern(len as u64).take(len - 1)),
            "other content"
        );
        ensure_eq!(*last, 0x77);
    }
    let beyond = map.persist(window.ptr(1), PAGE);
    ensure!(beyond.is_err(), "a range that wraps is accepted");
    Ok(())
}
