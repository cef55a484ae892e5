//! Which table is selected: these cases run first, for selection happens once.

use crate::{
    outcome::{Case, Outcome, Stop, ensure, ensure_eq},
    tables,
};
use kpmem::{BYTE, Error, Granularity, Map, Table, select, selected};
use kpmem_runtime::Machine;

pub const CASES: &[Case] = &[
    ("line_size_is_what_the_hardware_says", line_size),
    ("detection_gives_the_expected_table", detection),
    ("cache_line_map_is_refused_without_a_table", refusal),
    ("only_a_cache_line_table_can_be_selected", wrong_granularity),
    ("a_table_can_be_injected", injection),
    ("selection_is_final", finality),
];

/// The selected table; a case that needs one is skipped where there is none.
pub fn table() -> Result<&'static Table, Stop> {
    selected().map_err(|_| Stop::Skipped("no table on this CPU"))
}

/// What this CPU's table should be called, by the command line.
fn expected(machine: &Machine) -> Result<&'static str, Stop> {
    machine
        .args
        .get("expect")
        .ok_or(Stop::Skipped("no expect="))
}

fn line_size(machine: &Machine) -> Outcome {
    let line = machine.cpu().line;
    ensure_eq!(line, tables::hardware_line(machine));
    if let Some(expected) = machine.args.number("line") {
        ensure_eq!(line, expected as usize);
    }
    Ok(())
}

fn detection(machine: &Machine) -> Outcome {
    let expected = expected(machine)?;
    match machine.cpu().table() {
        Ok(table) => {
            ensure_eq!(table.name(), expected);
            ensure_eq!(table.line(), machine.cpu().line);
            ensure_eq!(table.granularity(), Granularity::CacheLine);
        }
        Err(error) => {
            ensure!(expected == "refused", "refused: {error}");
            ensure!(is_unsupported(error), "wrong error: {error}");
        }
    }
    Ok(())
}

/// RISC-V cannot be asked, so there it is refused at first on every CPU.
fn refusal(machine: &Machine) -> Outcome {
    if !cfg!(target_arch = "riscv64") && expected(machine)? != "refused" {
        return Err(Stop::Skipped("this CPU has a table"));
    }
    ensure!(
        selected().is_err_and(is_unsupported),
        "selected() gives {:?}",
        selected()
    );
    // SAFETY: only made, never used.
    let map = unsafe { Map::new(machine.address(), machine.size(), Granularity::CacheLine) };
    ensure!(
        map.as_ref().is_err_and(|error| is_unsupported(*error)),
        "the map is {map:?}"
    );
    Ok(())
}

fn is_unsupported(error: Error) -> bool {
    matches!(
        error,
        Error::Unsupported {
            granularity: Granularity::CacheLine,
            ..
        }
    )
}

fn wrong_granularity(_: &Machine) -> Outcome {
    let wrong = Error::WrongGranularity {
        expected: Granularity::CacheLine,
        table: "byte",
    };
    // SAFETY: refused.
    ensure_eq!(unsafe { select(&BYTE) }, Err(wrong));
    Ok(())
}

fn injection(machine: &Machine) -> Outcome {
    let table = match (machine.cpu().table(), machine.args.get("inject")) {
        (Ok(table), _) => table,
        (Err(_), Some(name)) => match tables::named(machine, name) {
            Some(table) => table,
            None => panic!("inject={name}: no such table"),
        },
        (Err(_), None) => return Err(Stop::Skipped("no table on this CPU, and no inject=")),
    };
    // SAFETY: the CPU has the instruction, says its identification, its firmware or the command
    // line; and QEMU's memory has no cache in front.
    unsafe { select(table) }?;
    ensure!(
        core::ptr::eq(selected()?, table),
        "selected() gives {:?}",
        selected()
    );
    // SAFETY: as above, again.
    ensure_eq!(unsafe { select(table) }, Ok(()));
    Ok(())
}

fn finality(machine: &Machine) -> Outcome {
    let chosen = table()?;
    let (selected, line) = (chosen.name(), chosen.line());
    let other = tables::all()
        .iter()
        .copied()
        .flatten()
        .find(|other| !core::ptr::eq(*other, chosen));
    // SAFETY: refused.
    let second = unsafe { select(other.expect("there are several")) };
    ensure_eq!(second, Err(Error::AlreadySelected { selected, line }));
    // SAFETY: the NVDIMM is mapped write-back, and its range is not used here.
    let map = unsafe { Map::new(machine.address(), machine.size(), Granularity::CacheLine) }?;
    ensure!(
        core::ptr::eq(map.table(), chosen),
        "the map has {:?}",
        map.table()
    );
    Ok(())
}
