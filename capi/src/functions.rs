//! The functions of a map or table as plain pointers.

use core::{
    ffi::{c_int, c_void},
    mem::transmute,
};

use kpmem::{DrainFn, FlushFn, MemmoveFn, MemsetFn, PersistFn, Table};

use crate::{
    error::{KPMEM_E_NOT_REGISTERED, status},
    handle::{answer, get},
    map::{Mapped, kpmem_map},
    table::{kpmem_table, table_at},
};

/// [`PersistFn`]
pub type kpmem_persist_fn = Option<unsafe extern "C" fn(ptr: *const c_void, len: usize)>;
/// [`FlushFn`]
pub type kpmem_flush_fn = Option<unsafe extern "C" fn(ptr: *const c_void, len: usize)>;
/// [`DrainFn`]
pub type kpmem_drain_fn = Option<unsafe extern "C" fn()>;
/// [`MemmoveFn`]
pub type kpmem_memmove_fn = Option<
    unsafe extern "C" fn(
        dest: *mut c_void,
        src: *const c_void,
        len: usize,
        flags: u32,
    ) -> *mut c_void,
>;
/// [`MemsetFn`]
pub type kpmem_memset_fn = Option<
    unsafe extern "C" fn(dest: *mut c_void, c: c_int, len: usize, flags: u32) -> *mut c_void,
>;

/// [`kpmem::Functions`]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kpmem_functions {
    /// Makes a range durable.
    pub persist_fn: kpmem_persist_fn,
    /// Starts to make a range durable.
    pub flush_fn: kpmem_flush_fn,
    /// Waits for this CPU's flushes.
    pub drain_fn: kpmem_drain_fn,
    /// Copies.
    pub memmove_fn: kpmem_memmove_fn,
    /// Copies: the same function.
    pub memcpy_fn: kpmem_memmove_fn,
    /// Fills.
    pub memset_fn: kpmem_memset_fn,
    /// Makes a range durable and drops it from the caches; null where no instruction is known.
    pub writeback_invalidate_fn: kpmem_persist_fn,
}

impl kpmem_functions {
    fn new(
        persist: PersistFn,
        flush: FlushFn,
        drain: DrainFn,
        memmove: MemmoveFn,
        memset: MemsetFn,
        invalidate: Option<PersistFn>,
    ) -> Self {
        // SAFETY: only what the pointers among the arguments point to is called otherwise, which
        // the C ABI does not see; and a function is the same whether it may be null or not.
        unsafe {
            Self {
                persist_fn: transmute::<PersistFn, kpmem_persist_fn>(persist),
                flush_fn: transmute::<FlushFn, kpmem_flush_fn>(flush),
                drain_fn: Some(drain),
                memmove_fn: transmute::<MemmoveFn, kpmem_memmove_fn>(memmove),
                memcpy_fn: transmute::<MemmoveFn, kpmem_memmove_fn>(memmove),
                memset_fn: transmute::<MemsetFn, kpmem_memset_fn>(memset),
                writeback_invalidate_fn: transmute::<Option<PersistFn>, kpmem_persist_fn>(
                    invalidate,
                ),
            }
        }
    }

    fn of_table(table: &Table) -> Self {
        let all = table.functions();
        Self::new(
            all.persist,
            all.flush,
            all.drain,
            all.memmove,
            all.memset,
            all.writeback_invalidate,
        )
    }
}

/// [`Table::functions`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_table_functions(
    table: *const kpmem_table,
    functions: *mut kpmem_functions,
) -> c_int {
    // SAFETY: the caller vouches for the place.
    status(
        table_at(table)
            .and_then(|table| unsafe { answer(functions, kpmem_functions::of_table(table)) }),
    )
}

/// The functions of a map: of its table, or those that serve all registered page maps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_functions(
    map: *const kpmem_map,
    functions: *mut kpmem_functions,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe { of_map(map) }.and_then(|found| unsafe { answer(functions, found) }))
}

unsafe fn of_map(map: *const kpmem_map) -> Result<kpmem_functions, c_int> {
    // SAFETY: the caller's.
    match unsafe { get(map)? } {
        Mapped::Cpu(map) => Ok(kpmem_functions::of_table(map.table())),
        Mapped::Page { registered, .. } => {
            let all = registered.as_ref().ok_or(KPMEM_E_NOT_REGISTERED)?;
            Ok(kpmem_functions::new(
                all.persist_fn(),
                all.flush_fn(),
                all.drain_fn(),
                all.memmove_fn(),
                all.memset_fn(),
                None,
            ))
        }
    }
}
