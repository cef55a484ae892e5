//! What went wrong last.

use core::{
    ffi::{CStr, c_char, c_int},
    sync::atomic::{AtomicPtr, Ordering},
};

use super::codes::{self, Code};

/// The sentence of the last error of any CPU: what a thread is, only an OS knows. It is one of the
/// static ones, so it is never seen in part.
static LAST: AtomicPtr<c_char> = AtomicPtr::new(c"".as_ptr().cast_mut());

/// What a call returns, and its sentence is kept.
pub(super) fn answer(result: Result<(), Code>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(code) => {
            LAST.store(code.text.as_ptr().cast_mut(), Ordering::Relaxed);
            code.value
        }
    }
}

/// No room for one more.
pub(super) const fn no_memory(text: &'static CStr) -> Code {
    Code {
        value: -codes::NO_MEMORY,
        text,
    }
}

/// The sentence of the last call that failed, on any CPU (libpmem2's is of the thread). Never null;
/// empty if nothing has failed.
#[unsafe(no_mangle)]
pub extern "C" fn pmem2_errormsg() -> *const c_char {
    LAST.load(Ordering::Relaxed)
}

/// The errno of what a call returned: 0 of 0, and a positive one of Linux's.
#[unsafe(no_mangle)]
pub extern "C" fn pmem2_err_to_errno(error: c_int) -> c_int {
    codes::to_errno(error)
}
