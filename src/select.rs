//! Which table this machine's CPUs use for cache-line granularity: detected or injected, once.

use spin::Once;

use crate::{Error, Granularity, Table, arch};

static SELECTED: Once<&'static Table> = Once::new();

/// The table that cache-line maps use: the injected one, else the best that the CPU reports, found
/// on the first call.
///
/// # Errors
/// [`Error::Unsupported`] or [`Error::LineSize`] if the CPU cannot write lines back, or cannot be
/// asked (RISC-V has no CPUID: use [`select`]). Nothing is remembered then, so a later `select`
/// still works.
#[doc(alias("detect", "pmem2_get_persist_fn"))]
pub fn selected() -> Result<&'static Table, Error> {
    SELECTED.try_call_once(arch::detect).copied()
}

/// Injects the table for cache-line maps, before the first of them is made: for a kernel that knows
/// its CPU, that has read the device tree, or that hides instructions from CPUID. Selecting the
/// same table again changes nothing.
///
/// # Errors
/// [`Error::WrongGranularity`] if it is not a cache-line table; [`Error::AlreadySelected`] if
/// another one is in use.
///
/// # Safety
/// Every CPU that will flush must have the table's instruction enabled at the privilege level that
/// uses it, and lines of the table's size (or larger); and what the instruction writes back must
/// reach the persistence domain (for `arch::CVAC` and RISC-V: the memory at the point of coherency
/// must be inside it).
pub unsafe fn select(table: &'static Table) -> Result<(), Error> {
    if table.granularity() != Granularity::CacheLine {
        return Err(Error::WrongGranularity {
            expected: Granularity::CacheLine,
            table: table.name(),
        });
    }
    let selected = SELECTED.call_once(|| table);
    if core::ptr::eq(*selected, table) {
        Ok(())
    } else {
        Err(Error::AlreadySelected {
            selected: selected.name(),
            line: selected.line(),
        })
    }
}
