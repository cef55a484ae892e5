//! Deep flush, and the domains that the library knows, as hooks.

use core::{
    ffi::{c_int, c_void},
    ptr::{NonNull, from_ref},
};

use kpmem::{ErrorCode, Hook, Table, deep::Hints};

use crate::{
    error::{KPMEM_E_ARGUMENT, code, status},
    handle::{answer, get, read},
    hook::kpmem_hook,
    map::{kpmem_map, with},
    table::{kpmem_table, table_at},
};

/// The one instruction to a domain deeper than that of persist: `dc cvadp`.
const DEEP: &str = "cvadp";

/// Flush hints, all of a range's devices: a list of C's that stays as long as the domain.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kpmem_hints {
    /// Where each is mapped, uncached.
    pub addresses: *const *mut u64,
    /// How many there are.
    pub count: usize,
}

/// [`Map::deep_flush`](kpmem::Map::deep_flush)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_deep_flush(
    map: *const kpmem_map,
    domain: *const kpmem_hook,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and domain.
    let both = unsafe { both(map, domain) };
    status(both.and_then(|(map, domain)| {
        with!(map, map => map.deep_flush(&domain, ptr.cast(), len)).map_err(code)
    }))
}

/// [`Map::deep_flush_start`](kpmem::Map::deep_flush_start)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_deep_flush_start(
    map: *const kpmem_map,
    domain: *const kpmem_hook,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and domain.
    let both = unsafe { both(map, domain) };
    status(both.and_then(|(map, domain)| {
        with!(map, map => map.deep_flush_start(&domain, ptr.cast(), len)).map_err(code)
    }))
}

/// [`Map::deep_drain`](kpmem::Map::deep_drain)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_deep_drain(
    map: *const kpmem_map,
    domain: *const kpmem_hook,
) -> c_int {
    // SAFETY: the caller vouches for handle and domain.
    let both = unsafe { both(map, domain) };
    status(both.and_then(|(map, domain)| with!(map, map => map.deep_drain(&domain)).map_err(code)))
}

/// # Safety
/// As for [`get`] and [`read`].
unsafe fn both<'a>(
    map: *const kpmem_map,
    domain: *const kpmem_hook,
) -> Result<(&'a crate::map::Mapped, kpmem_hook), c_int> {
    // SAFETY: the caller's.
    unsafe { Ok((get(map)?, read(domain)?.checked()?)) }
}

/// [`deep::ByTable`](kpmem::deep::ByTable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_domain_of_table(
    domain: *mut kpmem_hook,
    table: *const kpmem_table,
) -> c_int {
    let deep = table_at(table).and_then(|table| match table.name() {
        DEEP => Ok(table),
        _ => Err(ErrorCode::NoDeepDomain as c_int),
    });
    // SAFETY: the caller vouches for the place.
    status(deep.and_then(|table: &Table| unsafe {
        let hook = kpmem_hook {
            flush: Some(flush_table),
            drain: Some(drain_table),
            context: from_ref(table).cast_mut().cast(),
        };
        answer(domain, hook)
    }))
}

unsafe extern "C" fn flush_table(table: *mut c_void, ptr: *const c_void, len: usize) -> c_int {
    status(table_at(table.cast()).map(|table| {
        // SAFETY: who made the domain vouches for the instruction, its map for the range.
        unsafe { table.flush_fn()(ptr.cast(), len) }
    }))
}

unsafe extern "C" fn drain_table(table: *mut c_void) -> c_int {
    status(table_at(table.cast()).map(|table| {
        // SAFETY: as above.
        unsafe { table.drain_fn()() }
    }))
}

/// [`Hints`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_domain_of_hints(
    domain: *mut kpmem_hook,
    hints: *const kpmem_hints,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe {
        hints_at(hints).and_then(|_| {
            let hook = kpmem_hook {
                flush: None,
                drain: Some(drain_hints),
                context: hints.cast_mut().cast(),
            };
            answer(domain, hook)
        })
    })
}

unsafe extern "C" fn drain_hints(hints: *mut c_void) -> c_int {
    // SAFETY: `kpmem_domain_of_hints` had its caller vouch for them, as long as the domain is used.
    status(unsafe { hints_at(hints.cast()) }.and_then(|hints| hints.drain()))
}

/// # Safety
/// As for [`read`], of the list too; each hint that is not null is mapped as [`Hints::new`] says.
unsafe fn hints_at<'a>(hints: *const kpmem_hints) -> Result<Hints<&'a [NonNull<u64>]>, c_int> {
    // SAFETY: the caller's.
    let kpmem_hints { addresses, count } = *unsafe { read(hints)? };
    if count == 0 {
        return Err(ErrorCode::NoDeepDomain as c_int);
    }
    // SAFETY: the caller vouches for `count` of them.
    unsafe { read(addresses)? };
    for at in 0..count {
        // SAFETY: as above.
        let hint = unsafe { *addresses.add(at) };
        if hint.is_null() || !hint.is_aligned() {
            return Err(KPMEM_E_ARGUMENT);
        }
    }
    // SAFETY: none is null, as was just seen.
    unsafe {
        let all = core::slice::from_raw_parts(addresses.cast(), count);
        Hints::new(all).map_err(code)
    }
}
