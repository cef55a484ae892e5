//! Which tables this machine's CPUs use: detected or injected, once.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};

use crate::{Error, Granularity, Table, arch};

/// A table that is settled once. To settle it takes no lock: whoever comes first wins, and who
/// loses takes the winner's, so an interrupt handler may settle it in the middle of another's call.
struct Settled(AtomicPtr<Table>);

static LINES: Settled = Settled(AtomicPtr::new(null_mut()));
static BYTES: Settled = Settled(AtomicPtr::new(null_mut()));

impl Settled {
    fn get(&self) -> Option<&'static Table> {
        // SAFETY: null, or what `settle` made of a reference for good.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    fn settle(&self, table: &'static Table) -> &'static Table {
        let new = (&raw const *table).cast_mut();
        match self
            .0
            .compare_exchange(null_mut(), new, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => table,
            // SAFETY: not null, so made by another `settle`.
            Err(there) => unsafe { &*there },
        }
    }
}

/// The table that cache-line maps use: the injected one, else the best that the CPU reports, found
/// on the first call. Takes no lock, so that an interrupt handler may be the first caller too.
///
/// ```
/// match kpmem::selected() {
///     Ok(table) => println!("{} on lines of {} bytes", table.name(), table.line()),
///     Err(error) => println!("no cache-line maps here: {error}"),
/// }
/// ```
///
/// # Errors
/// [`Error::Unsupported`] or [`Error::LineSize`] if the CPU cannot write lines back, or cannot be
/// asked (RISC-V has no CPUID, and without the feature `detect` nobody asks: use [`select`]).
/// Nothing is remembered then, so a later `select` still works.
#[doc(alias("detect", "pmem2_get_persist_fn"))]
pub fn selected() -> Result<&'static Table, Error> {
    LINES
        .get()
        .map_or_else(|| Ok(LINES.settle(arch::detect()?)), Ok)
}

/// The table that byte-granularity maps use: that of the CPU's best copies; [`BYTE`](crate::BYTE)
/// where the CPU cannot be asked.
///
/// ```
/// assert_eq!(kpmem::selected_byte().name(), "byte");
/// ```
#[must_use]
pub fn selected_byte() -> &'static Table {
    BYTES
        .get()
        .unwrap_or_else(|| BYTES.settle(arch::detect_byte()))
}

/// Injects the table for cache-line maps, before the first of them is made: for a kernel that knows
/// its CPU, that has read the device tree, or that hides instructions from CPUID. Selecting the
/// same table again changes nothing.
///
/// ```
/// use kpmem::{Error, Table};
///
/// /// What a kernel does before its first map, with a table of `arch::Cpu` or of its own.
/// fn early(table: &'static Table) -> Result<(), Error> {
///     // SAFETY: every CPU has its instruction, and lines of its size.
///     unsafe { kpmem::select(table) }
/// }
///
/// early(kpmem::selected()?)?; // the same again changes nothing
/// assert!(matches!(early(&kpmem::BYTE), Err(Error::WrongGranularity { .. })));
/// # Ok::<(), kpmem::Error>(())
/// ```
///
/// # Errors
/// [`Error::WrongGranularity`] if it is not a cache-line table; [`Error::AlreadySelected`] if
/// another one is in use.
///
/// # Safety
/// Every CPU that will flush must have the table's instruction enabled at the privilege level that
/// uses it, and lines of the table's size (or larger); and what the instruction writes back must
/// reach the persistence domain (for `arch::CVAC` and RISC-V: the memory at the point of coherency
/// must be inside it). Where CPUs differ, `arch::Cpu::common` describes what all of them can.
pub unsafe fn select(table: &'static Table) -> Result<(), Error> {
    if table.granularity() != Granularity::CacheLine {
        return Err(Error::WrongGranularity {
            expected: Granularity::CacheLine,
            table: table.name(),
        });
    }
    let selected = LINES.settle(table);
    if core::ptr::eq(selected, table) {
        Ok(())
    } else {
        Err(Error::AlreadySelected {
            selected: selected.name(),
            line: selected.line(),
        })
    }
}
