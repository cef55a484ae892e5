//! The tables of this instruction set, and which of them is selected.

use core::{
    ffi::{c_char, c_int},
    ptr,
};

use kpmem::{BYTE, Granularity, Table, arch, select, selected, selected_byte};

use crate::{
    error::{KPMEM_E_ARGUMENT, KPMEM_E_LINE_SIZE, KPMEM_E_MISSING, code, status},
    handle::answer,
};

/// [`Granularity::Byte`]
pub const KPMEM_GRANULARITY_BYTE: c_int = 0;
/// [`Granularity::CacheLine`]
pub const KPMEM_GRANULARITY_CACHE_LINE: c_int = 1;
/// [`Granularity::Page`]
pub const KPMEM_GRANULARITY_PAGE: c_int = 2;

/// A [`Table`], by its address.
#[derive(Debug)]
pub struct kpmem_table(#[expect(dead_code, reason = "C sees its address only")] Table);

/// All that there are, those first that nothing is special of.
#[cfg(target_arch = "x86_64")]
const TABLES: [&[Table]; 8] = [
    &arch::CLWB,
    &arch::CLFLUSHOPT,
    &arch::CLFLUSH,
    core::slice::from_ref(&BYTE),
    &arch::CLWB_CLZERO,
    &arch::CLWB_MOVDIR64B,
    &arch::CLFLUSHOPT_CLZERO,
    core::slice::from_ref(&arch::BYTE_CLZERO),
];
#[cfg(target_arch = "aarch64")]
const TABLES: [&[Table]; 4] = [
    &arch::CVAP,
    &arch::CVADP,
    &arch::CVAC,
    core::slice::from_ref(&BYTE),
];
#[cfg(target_arch = "riscv64")]
const TABLES: [&[Table]; 4] = [
    &arch::ZICBOM,
    &arch::ZICBOM_FLUSH,
    &arch::ZICBOM_ZICBOZ,
    core::slice::from_ref(&BYTE),
];

fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.into_iter().flatten()
}

/// The table at an address of C's. Nothing is read there.
pub(crate) fn table_at(table: *const kpmem_table) -> Result<&'static Table, c_int> {
    let is_it = |known: &&Table| ptr::from_ref(*known).addr() == table.addr();
    tables().find(is_it).ok_or(KPMEM_E_ARGUMENT)
}

pub(crate) fn to_c(table: &'static Table) -> *const kpmem_table {
    ptr::from_ref(table).cast()
}

pub(crate) fn granularity_to_c(granularity: Granularity) -> c_int {
    match granularity {
        Granularity::Byte => KPMEM_GRANULARITY_BYTE,
        Granularity::CacheLine => KPMEM_GRANULARITY_CACHE_LINE,
        _ => KPMEM_GRANULARITY_PAGE,
    }
}

pub(crate) fn granularity_of(number: c_int) -> Result<Granularity, c_int> {
    match number {
        KPMEM_GRANULARITY_BYTE => Ok(Granularity::Byte),
        KPMEM_GRANULARITY_CACHE_LINE => Ok(Granularity::CacheLine),
        KPMEM_GRANULARITY_PAGE => Ok(Granularity::Page),
        _ => Err(KPMEM_E_ARGUMENT),
    }
}

/// [`select`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_select(table: *const kpmem_table) -> c_int {
    status(table_at(table).and_then(|table| {
        // SAFETY: the caller vouches that the table is right for its CPUs.
        unsafe { select(table) }.map_err(code)
    }))
}

/// [`selected`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_selected(table: *mut *const kpmem_table) -> c_int {
    // First, for a call without an answer must settle nothing.
    if table.is_null() {
        return KPMEM_E_ARGUMENT;
    }
    let found = selected().map_err(code);
    // SAFETY: the caller vouches for the place.
    status(found.and_then(|found| unsafe { answer(table, to_c(found)) }))
}

/// [`selected_byte`]
#[unsafe(no_mangle)]
pub extern "C" fn kpmem_selected_byte() -> *const kpmem_table {
    to_c(selected_byte())
}

/// The first table of a name and a line size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_table_find(
    name: *const c_char,
    line: usize,
    table: *mut *const kpmem_table,
) -> c_int {
    if name.is_null() {
        return KPMEM_E_ARGUMENT;
    }
    // SAFETY: the caller vouches for a string.
    let mut named = tables().filter(|table| unsafe { is(name, table.name()) });
    let Some(first) = named.next() else {
        return KPMEM_E_MISSING;
    };
    let found = core::iter::once(first)
        .chain(named)
        .find(|table| table.line() == line);
    // SAFETY: the caller vouches for the place.
    status(
        found
            .ok_or(KPMEM_E_LINE_SIZE)
            .and_then(|found| unsafe { answer(table, to_c(found)) }),
    )
}

/// Whether a string of C's is this one. Reads no further than to the first byte that differs.
///
/// # Safety
/// `string` is NUL-terminated.
unsafe fn is(string: *const c_char, name: &str) -> bool {
    let byte = |at: usize| {
        // SAFETY: all bytes before were equal to those of a name, so none was the end.
        unsafe { string.add(at).cast::<u8>().read() }
    };
    let all = name
        .bytes()
        .enumerate()
        .all(|(at, wanted)| byte(at) == wanted);
    all && byte(name.len()) == 0
}

/// [`Table::name`], with an end.
#[unsafe(no_mangle)]
pub extern "C" fn kpmem_table_name(table: *const kpmem_table) -> *const c_char {
    let Ok(table) = table_at(table) else {
        return ptr::null();
    };
    let names = [
        c"byte",
        c"clwb",
        c"clflushopt",
        c"clflush",
        c"cvap",
        c"cvadp",
        c"cvac",
        c"zicbom",
        c"zicbom-flush",
    ];
    let same = |name: &&core::ffi::CStr| name.to_bytes() == table.name().as_bytes();
    names
        .iter()
        .find(|name| same(name))
        .map_or(ptr::null(), |name| name.as_ptr())
}

/// [`Table::line`]; 0 if it is none.
#[unsafe(no_mangle)]
pub extern "C" fn kpmem_table_line(table: *const kpmem_table) -> usize {
    table_at(table).map_or(0, Table::line)
}

/// [`Table::granularity`]
#[unsafe(no_mangle)]
pub extern "C" fn kpmem_table_granularity(table: *const kpmem_table) -> c_int {
    table_at(table).map_or_else(|error| error, |table| granularity_to_c(table.granularity()))
}
