//! Negative controls: the instruction reaches each line, for where a page is missing it faults.
//!
//! QEMU's translator looks at the page tables for `dc cvap`, `dc cvadp` and Zicbom. It makes
//! nothing at all of x86's instructions and of `dc cvac`, so that these cases prove nothing there.

use crate::{
    outcome::{Case, Outcome, Stop, ensure, ensure_eq},
    selection::table,
    window::{Window, unmapped},
};
use kpmem::Table;
use kpmem_runtime::{Machine, memory::PAGE, trap::fault};

pub const CASES: &[Case] = &[
    ("a_probe_sees_a_fault", probes),
    ("flushing_an_unmapped_page_faults", unmapped_page),
    ("the_first_and_the_last_line_are_flushed", first_and_last),
    ("the_lines_between_are_flushed", between),
    ("the_last_line_of_the_address_space_is_flushed", last_of_all),
];

/// The selected table, if its instruction can fault here.
fn faulting_table() -> Result<&'static Table, Stop> {
    let table = table()?;
    if ["cvap", "cvadp", "zicbom", "zicbom-flush"].contains(&table.name()) {
        Ok(table)
    } else {
        Err(Stop::Skipped("QEMU takes this instruction for a no-op"))
    }
}

/// The page where flushing a range faults, by the one function and by the one that drops the lines.
fn faulting_page(table: &Table, ptr: *const u8, len: usize) -> Option<usize> {
    let page = |function| {
        // SAFETY: flushing changes nothing, and that it may fault is what the probe is for.
        let address = unsafe { fault(function, ptr, len) }?;
        Some(address & !(PAGE - 1))
    };
    let drops = table.writeback_invalidate_fn();
    let (flushed, dropped) = (page(table.flush_fn()), page(drops.expect("lines")));
    assert_eq!(flushed, dropped, "{len} bytes at {ptr:p}");
    flushed
}

unsafe extern "C" fn store(ptr: *const u8, len: usize) {
    // SAFETY: the probe stands by where nothing is mapped.
    unsafe { ptr.cast_mut().write_volatile(len as u8) };
}

unsafe extern "C" fn load(ptr: *const u8, _: usize) {
    // SAFETY: as above.
    unsafe { ptr.read_volatile() };
}

/// Without this the other cases would prove nothing.
fn probes(machine: &Machine) -> Outcome {
    let window = Window::new(machine, 1);
    for function in [store, load] {
        let guard = window.ptr(PAGE as isize);
        // SAFETY: the functions touch one byte, of a guard page or of the window.
        unsafe {
            ensure_eq!(fault(function, unmapped(), 1), Some(unmapped().addr()));
            ensure_eq!(fault(function, guard, 1), Some(guard.addr()));
            ensure_eq!(fault(function, guard.wrapping_sub(1), 1), None);
        }
    }
    Ok(())
}

fn unmapped_page(_: &Machine) -> Outcome {
    let page = unmapped();
    ensure_eq!(faulting_page(faulting_table()?, page, 1), Some(page.addr()));
    ensure_eq!(
        faulting_page(faulting_table()?, page, PAGE),
        Some(page.addr())
    );
    Ok(())
}

fn first_and_last(machine: &Machine) -> Outcome {
    let table = faulting_table()?;
    let window = Window::new(machine, 1);
    let (before, behind) = (
        window.ptr(-(PAGE as isize)).addr(),
        window.ptr(PAGE as isize).addr(),
    );
    for len in 1..=3 * table.line() {
        // One byte of the range is in the guard page.
        let start = window.ptr((PAGE - len + 1) as isize);
        ensure_eq!(faulting_page(table, start, len), Some(behind));
        ensure_eq!(faulting_page(table, window.ptr(-1), len), Some(before));
        // None is.
        ensure_eq!(faulting_page(table, start.wrapping_sub(1), len), None);
        ensure_eq!(faulting_page(table, window.ptr(0), len), None);
    }
    Ok(())
}

fn between(machine: &Machine) -> Outcome {
    let table = faulting_table()?;
    let window = Window::new(machine, 3);
    ensure_eq!(faulting_page(table, window.ptr(5), 3 * PAGE - 9), None);
    window.unmap(1);
    let hole = window.ptr(PAGE as isize).addr();
    ensure_eq!(
        faulting_page(table, window.ptr(5), 3 * PAGE - 9),
        Some(hole)
    );
    ensure_eq!(faulting_page(table, window.ptr(5), PAGE - 5), None);
    ensure_eq!(
        faulting_page(table, window.ptr(2 * PAGE as isize), PAGE),
        None
    );
    Ok(())
}

fn last_of_all(machine: &Machine) -> Outcome {
    let table = faulting_table()?;
    let window = Window::top(machine);
    let page = window.ptr(0);
    let last = window.ptr(PAGE as isize - 1);
    ensure_eq!(faulting_page(table, last, 1), None);
    window.unmap(0);
    ensure_eq!(faulting_page(table, last, 1), Some(page.addr()));
    ensure_eq!(faulting_page(table, page, PAGE), Some(page.addr()));
    Ok(())
}
