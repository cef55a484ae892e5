//! Maps in memory of C's.

use core::{
    ffi::{c_int, c_void},
    ptr::null_mut,
};

use kpmem::{
    Map, PageSlot, Paged, Registered, Table,
    poison::{Avoiding, Poison},
};

use crate::{
    error::{KPMEM_E_BUSY, KPMEM_E_HANDLE, code, status},
    handle::{Held, get, get_mut, put, read, take},
    hook::kpmem_hook,
    table::{granularity_of, granularity_to_c, kpmem_table, table_at, to_c},
};

/// Bytes of a [`kpmem_map`].
pub const KPMEM_MAP_SIZE: usize = 192;
/// Bytes of a [`kpmem_page_slot`].
pub const KPMEM_PAGE_SLOT_SIZE: usize = 96;

/// A map.
#[repr(C)]
#[derive(Debug)]
pub struct kpmem_map {
    opaque: [u64; 24],
}

/// A place for a page map whose plain functions are wanted. Zero at first.
#[repr(C)]
#[derive(Debug)]
pub struct kpmem_page_slot {
    opaque: [u64; 12],
}

/// What a [`kpmem_map`] holds. Every map avoids a list, which is empty at first.
pub(crate) enum Mapped {
    Cpu(Map<Avoiding<'static, &'static Table>>),
    Page {
        /// Dropped before the map.
        registered: Option<Registered<'static>>,
        map: Map<Avoiding<'static, Paged<kpmem_hook>>>,
    },
}

static NO_POISON: Poison<'static> = Poison::new(&[]);

impl Held for Mapped {
    type Handle = kpmem_map;
    const KIND: usize = 1;
    const SIZE: usize = KPMEM_MAP_SIZE;
}

impl Held for PageSlot {
    type Handle = kpmem_page_slot;
    const KIND: usize = 2;
    const SIZE: usize = KPMEM_PAGE_SLOT_SIZE;
}

/// Has the map, whichever it is, in an expression.
macro_rules! with {
    ($handle:expr, $map:ident => $call:expr) => {
        match $handle {
            $crate::map::Mapped::Cpu($map) => $call,
            $crate::map::Mapped::Page { map: $map, .. } => $call,
        }
    };
}
pub(crate) use with;

/// [`Map::new`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_init(
    map: *mut kpmem_map,
    base: *mut c_void,
    len: usize,
    granularity: c_int,
) -> c_int {
    let made = granularity_of(granularity).and_then(|granularity| {
        // SAFETY: the caller vouches for the range.
        unsafe { Map::new(base.cast(), len, granularity) }.map_err(code)
    });
    // SAFETY: the caller vouches for the handle.
    status(made.and_then(|made| unsafe { put_cpu(map, made) }))
}

/// [`Map::with_table`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_init_table(
    map: *mut kpmem_map,
    base: *mut c_void,
    len: usize,
    table: *const kpmem_table,
) -> c_int {
    let made = table_at(table).and_then(|table| {
        // SAFETY: the caller vouches for the range, and that the table is right for its CPUs.
        unsafe { Map::with_table(base.cast(), len, table) }.map_err(code)
    });
    // SAFETY: the caller vouches for the handle.
    status(made.and_then(|made| unsafe { put_cpu(map, made) }))
}

/// [`Map::with_hook`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_init_hook(
    map: *mut kpmem_map,
    base: *mut c_void,
    len: usize,
    hook: *const kpmem_hook,
) -> c_int {
    // SAFETY: the caller vouches for all of them.
    status(unsafe { init_hook(map, base, len, hook) })
}

unsafe fn init_hook(
    map: *mut kpmem_map,
    base: *mut c_void,
    len: usize,
    hook: *const kpmem_hook,
) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe {
        let hook = read(hook)?.checked()?;
        let made = Map::with_hook(base.cast(), len, hook).map_err(code)?;
        let made = Mapped::Page {
            registered: None,
            map: made.avoiding(&NO_POISON),
        };
        put_new(map, made)
    }
}

/// # Safety
/// As for [`put`].
pub(crate) unsafe fn put_cpu(handle: *mut kpmem_map, map: Map) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe { put_new(handle, Mapped::Cpu(map.avoiding(&NO_POISON))) }
}

/// Puts a new map where no map is registered: its slot would call what is there next.
///
/// # Safety
/// As for [`put`].
unsafe fn put_new(handle: *mut kpmem_map, map: Mapped) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe {
        let old = get::<Mapped>(handle);
        match old {
            Ok(Mapped::Page {
                registered: Some(_),
                ..
            }) => Err(KPMEM_E_BUSY),
            _ => put(handle, map),
        }
    }
}

/// Drops the map.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_fini(map: *mut kpmem_map) -> c_int {
    // SAFETY: the caller vouches for the handle.
    status(unsafe { fini(map) })
}

unsafe fn fini(map: *mut kpmem_map) -> Result<(), c_int> {
    // SAFETY: the caller's. A registered map stays where it is.
    unsafe {
        if let Mapped::Page { registered, .. } = get_mut(map)? {
            registered.take();
        }
        take::<Mapped>(map).map(drop)
    }
}

/// [`Map::register`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_register(
    map: *mut kpmem_map,
    slot: *mut kpmem_page_slot,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe { register(map, slot) })
}

unsafe fn register(map: *mut kpmem_map, slot: *mut kpmem_page_slot) -> Result<(), c_int> {
    // SAFETY: the caller's, who also vouches that the slot stays for good, and the map until it is
    // taken out.
    unsafe {
        let mapped = get_mut::<Mapped>(map)?;
        let Mapped::Page { registered, map } = mapped else {
            return Err(kpmem::ErrorCode::WrongGranularity as c_int);
        };
        if registered.is_some() {
            return Err(KPMEM_E_BUSY);
        }
        if slot.is_null() || !slot.is_aligned() {
            return Err(KPMEM_E_HANDLE);
        }
        if (*slot).opaque == [0; 12] {
            put(slot, PageSlot::new())?;
        }
        let map: &'static Map<_> = &*core::ptr::from_ref(map);
        *registered = Some(map.register(get(slot)?).map_err(code)?);
        Ok(())
    }
}

/// Drops what [`kpmem_map_register`] made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_unregister(map: *mut kpmem_map) -> c_int {
    // SAFETY: the caller vouches for the handle.
    let mapped = unsafe { get_mut::<Mapped>(map) };
    status(mapped.and_then(|mapped| match mapped {
        Mapped::Page { registered, .. } if registered.is_some() => {
            registered.take();
            Ok(())
        }
        _ => Err(crate::error::KPMEM_E_NOT_REGISTERED),
    }))
}

/// [`Map::avoiding`]
///
/// # Safety
/// As for [`get_mut`], and the list lives as long as the map.
pub(crate) unsafe fn avoid(map: *mut kpmem_map, poison: &'static Poison<'_>) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe {
        if let Mapped::Page {
            registered: Some(_),
            ..
        } = get::<Mapped>(map)?
        {
            return Err(KPMEM_E_BUSY);
        }
        let mapped = match take::<Mapped>(map)? {
            Mapped::Cpu(map) => Mapped::Cpu(map.avoiding_instead(poison)),
            Mapped::Page { registered, map } => Mapped::Page {
                registered,
                map: map.avoiding_instead(poison),
            },
        };
        put(map, mapped)
    }
}

/// [`Map::address`]; null if it is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_address(map: *const kpmem_map) -> *mut c_void {
    // SAFETY: the caller vouches for the handle.
    match unsafe { get(map) } {
        Ok(mapped) => with!(mapped, map => map.address().cast()),
        Err(_) => null_mut(),
    }
}

/// [`Map::size`]; 0 if it is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_size(map: *const kpmem_map) -> usize {
    // SAFETY: the caller vouches for the handle.
    match unsafe { get(map) } {
        Ok(mapped) => with!(mapped, map => map.size()),
        Err(_) => 0,
    }
}

/// [`Map::granularity`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_granularity(map: *const kpmem_map) -> c_int {
    // SAFETY: the caller vouches for the handle.
    match unsafe { get(map) } {
        Ok(mapped) => granularity_to_c(with!(mapped, map => map.granularity())),
        Err(error) => error,
    }
}

/// [`Map::table`]; null if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_map_table(map: *const kpmem_map) -> *const kpmem_table {
    // SAFETY: the caller vouches for the handle.
    match unsafe { get(map) } {
        Ok(Mapped::Cpu(map)) => to_c(map.table()),
        _ => core::ptr::null(),
    }
}
