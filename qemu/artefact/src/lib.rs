//! What the programs of this package share: the index by which the harness finds the functions to
//! look at.
#![cfg_attr(target_os = "none", no_std)]

pub mod calls;
pub mod native;

use kpmem::{DrainFn, FlushFn, PersistFn, Table};

/// The functions of one table, in a layout that can be read from the file.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    persist: PersistFn,
    flush: FlushFn,
    drain: DrainFn,
    writeback_invalidate: Option<PersistFn>,
    line: usize,
    name: *const u8,
    name_len: usize,
}

// SAFETY: the name is never written.
unsafe impl Sync for Functions {}

impl Functions {
    /// The functions of `table`.
    #[must_use]
    pub const fn of(table: &'static Table) -> Self {
        Self {
            persist: table.persist_fn(),
            flush: table.flush_fn(),
            drain: table.drain_fn(),
            writeback_invalidate: table.writeback_invalidate_fn(),
            line: table.line(),
            name: table.name().as_ptr(),
            name_len: table.name().len(),
        }
    }
}

/// The functions of several groups of tables, which are `N` in all.
#[must_use]
pub const fn collect<const N: usize>(groups: &[&'static [Table]]) -> [Functions; N] {
    let mut all = [Functions::of(&kpmem::BYTE); N];
    let (mut count, mut group) = (0, 0);
    while group < groups.len() {
        let mut table = 0;
        while table < groups[group].len() {
            all[count] = Functions::of(&groups[group][table]);
            count += 1;
            table += 1;
        }
        group += 1;
    }
    assert!(count == N, "N is not the number of tables");
    all
}

/// Linked only where some code can panic, which is what the harness looks for.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
