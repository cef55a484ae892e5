//! Many flushes and copies, and one drain.

use core::{
    ffi::{c_int, c_void},
    ptr::null_mut,
};

use kpmem::Flags;

use crate::{
    calls::{kpmem_map_drain, kpmem_map_flush, memmove, memset},
    error::{KPMEM_E_ARGUMENT, KPMEM_E_BUSY, status},
    handle::{Held, get, put, take},
    map::{Mapped, kpmem_map},
};

/// Bytes of a [`kpmem_batch`].
pub const KPMEM_BATCH_SIZE: usize = 64;

/// A batch.
#[repr(C)]
#[derive(Debug)]
pub struct kpmem_batch {
    opaque: [u64; 8],
}

/// What keeps a task on its CPU from the first flush to the drain: a [`Guard`](kpmem::Guard).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kpmem_guard {
    /// Called before the first; its result is given to `leave`.
    pub enter: Option<unsafe extern "C" fn(context: *mut c_void) -> *mut c_void>,
    /// Called after the drain.
    pub leave: Option<unsafe extern "C" fn(context: *mut c_void, state: *mut c_void)>,
    /// What both are called with.
    pub context: *mut c_void,
}

struct Batch {
    map: *const kpmem_map,
    guard: Option<kpmem_guard>,
    state: *mut c_void,
}

impl Held for Batch {
    type Handle = kpmem_batch;
    const KIND: usize = 3;
    const SIZE: usize = KPMEM_BATCH_SIZE;
}

/// [`Map::batch_within`](kpmem::Map::batch_within)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_batch_init(
    batch: *mut kpmem_batch,
    map: *const kpmem_map,
    guard: *const kpmem_guard,
) -> c_int {
    // SAFETY: the caller vouches for all of them.
    status(unsafe { init(batch, map, guard) })
}

unsafe fn init(
    batch: *mut kpmem_batch,
    map: *const kpmem_map,
    guard: *const kpmem_guard,
) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe {
        get::<Mapped>(map)?;
        if get::<Batch>(batch).is_ok() {
            // Its guard would never be left.
            return Err(KPMEM_E_BUSY);
        }
        let guard = guard.as_ref().copied();
        let entered = |state| Batch { map, guard, state };
        // First, so that no guard is entered which could not be left.
        put(batch, entered(null_mut()))?;
        if let Some(guard) = guard {
            let (Some(enter), Some(_)) = (guard.enter, guard.leave) else {
                take::<Batch>(batch)?;
                return Err(KPMEM_E_ARGUMENT);
            };
            put(batch, entered(enter(guard.context)))?;
        }
        Ok(())
    }
}

/// [`kpmem::Batch::flush`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_batch_flush(
    batch: *const kpmem_batch,
    ptr: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for the handles.
    unsafe {
        match get::<Batch>(batch) {
            Ok(batch) => kpmem_map_flush(batch.map, ptr, len),
            Err(error) => error,
        }
    }
}

/// [`kpmem::Batch::memmove`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_batch_memmove(
    batch: *const kpmem_batch,
    dest: *mut c_void,
    src: *const c_void,
    len: usize,
    flags: u32,
) -> c_int {
    // SAFETY: the caller vouches for the handles and both ranges.
    status(unsafe {
        get::<Batch>(batch).and_then(|batch| memmove(batch.map, dest, src, len, undrained(flags)))
    })
}

/// [`kpmem::Batch::memset`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_batch_memset(
    batch: *const kpmem_batch,
    dest: *mut c_void,
    c: c_int,
    len: usize,
    flags: u32,
) -> c_int {
    // SAFETY: the caller vouches for the handles and the range.
    status(unsafe {
        get::<Batch>(batch).and_then(|batch| memset(batch.map, dest, c, len, undrained(flags)))
    })
}

const fn undrained(flags: u32) -> u32 {
    flags | Flags::NODRAIN.bits()
}

/// [`kpmem::Batch::finish`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_batch_fini(batch: *mut kpmem_batch) -> c_int {
    // SAFETY: the caller vouches for the handles.
    let Batch { map, guard, state } = match unsafe { take::<Batch>(batch) } {
        Ok(batch) => batch,
        Err(error) => return error,
    };
    // SAFETY: as above.
    let result = unsafe { kpmem_map_drain(map) };
    if let Some(kpmem_guard {
        leave: Some(leave),
        context,
        ..
    }) = guard
    {
        // SAFETY: who gave the guard vouches for it.
        unsafe { leave(context, state) };
    }
    result
}
