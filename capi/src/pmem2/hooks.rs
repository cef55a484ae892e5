//! What a kernel gives in place of a file: how to sync a page-granularity map, and how to reach the
//! deep domain.

use core::ffi::{c_int, c_void};

use kpmem::RawHook;

type Flush = unsafe extern "C" fn(context: *mut c_void, ptr: *const u8, len: usize) -> c_int;
type Drain = unsafe extern "C" fn(context: *mut c_void) -> c_int;

/// `struct kpmem_pmem2_hooks`. Each function returns 0, or an errno of its own; each may be null.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Starts to sync a range of a page map.
    pub flush: Option<Flush>,
    /// Waits until all that was flushed is durable.
    pub drain: Option<Drain>,
    /// Starts to move a range, which is durable, to the deep domain.
    pub deep_flush: Option<Flush>,
    /// Waits until all of that is there.
    pub deep_drain: Option<Drain>,
    /// The first argument of each.
    pub context: *mut c_void,
}

unsafe extern "C" fn no_flush(_context: *mut c_void, _ptr: *const u8, _len: usize) -> c_int {
    0
}

unsafe extern "C" fn no_drain(_context: *mut c_void) -> c_int {
    0
}

impl Hooks {
    /// The hook of page maps; none if neither part is given.
    pub(super) fn page(&self) -> Option<RawHook> {
        self.hook(self.flush, self.drain)
    }

    /// The deep domain; none if neither part is given.
    pub(super) fn deep(&self) -> Option<RawHook> {
        self.hook(self.deep_flush, self.deep_drain)
    }

    fn hook(&self, flush: Option<Flush>, drain: Option<Drain>) -> Option<RawHook> {
        if flush.is_none() && drain.is_none() {
            return None;
        }
        let (flush, drain) = (flush.unwrap_or(no_flush), drain.unwrap_or(no_drain));
        // SAFETY: who gave the hooks vouches that they may be called with their context.
        Some(unsafe { RawHook::new(flush, drain, self.context) })
    }
}
