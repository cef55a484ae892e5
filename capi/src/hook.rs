//! Hooks that are two functions of C's.

use core::ffi::{c_int, c_void};

use kpmem::Hook;

use crate::error::KPMEM_E_ARGUMENT;

/// What makes a page map durable, or is a deep domain: a [`Hook`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kpmem_hook {
    /// [`Hook::flush`]; null does nothing.
    pub flush:
        Option<unsafe extern "C" fn(context: *mut c_void, ptr: *const c_void, len: usize) -> c_int>,
    /// [`Hook::drain`]; null does nothing.
    pub drain: Option<unsafe extern "C" fn(context: *mut c_void) -> c_int>,
    /// What both are called with.
    pub context: *mut c_void,
}

impl kpmem_hook {
    /// One that does something.
    pub(crate) fn checked(&self) -> Result<Self, c_int> {
        if self.flush.is_none() && self.drain.is_none() {
            return Err(KPMEM_E_ARGUMENT);
        }
        Ok(*self)
    }
}

impl Hook for kpmem_hook {
    fn flush(&self, ptr: *const u8, len: usize) -> Result<(), i32> {
        let Some(flush) = self.flush else {
            return Ok(());
        };
        // SAFETY: who gave the hook vouches for function and context.
        failed(unsafe { flush(self.context, ptr.cast(), len) })
    }

    fn drain(&self) -> Result<(), i32> {
        let Some(drain) = self.drain else {
            return Ok(());
        };
        // SAFETY: as above.
        failed(unsafe { drain(self.context) })
    }
}

fn failed(code: c_int) -> Result<(), i32> {
    if code == 0 { Ok(()) } else { Err(code) }
}
