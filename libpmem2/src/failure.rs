//! Why a call failed: what it returns, and the sentence that `pmem2_errormsg` gives.

use std::{
    cell::RefCell,
    ffi::{CString, c_char, c_int},
    io,
};

use rustix::io::Errno;

use crate::codes::{self, Code};

#[derive(Debug)]
pub(crate) struct Failure {
    value: c_int,
    text: String,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A code with a sentence of its own.
    pub(crate) fn new(code: Code, text: String) -> Self {
        let value = code.value;
        Self { value, text }
    }

    /// What a system call returned, and which that was.
    pub(crate) fn of_call(call: &str, error: Errno) -> Self {
        Self {
            value: -error.raw_os_error(),
            text: format!("{call}: {}", io::Error::from(error)),
        }
    }

    pub(crate) fn no_memory() -> Self {
        Self::of_call("out of memory", Errno::NOMEM)
    }

    /// The sentence.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    #[cfg(test)]
    pub(crate) fn value(&self) -> c_int {
        self.value
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::new(code, code.text.to_string_lossy().into_owned())
    }
}

impl From<kpmem::Error> for Failure {
    fn from(error: kpmem::Error) -> Self {
        Self::new(codes::of(&error), error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// What the call returns; the sentence is kept for this thread.
pub(crate) fn answer(result: Result<()>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(Failure { value, text }) => {
            // A path may have a byte of 0 in it only if the kernel lies.
            let text = CString::new(text).unwrap_or_default();
            // Where the thread is ending, nobody will ask.
            let _ = LAST.try_with(|last| last.replace(text));
            value
        }
    }
}

/// The sentence of this thread's last call that failed. Never null; empty if none has.
#[unsafe(no_mangle)]
pub extern "C" fn pmem2_errormsg() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr())
        .unwrap_or(c"".as_ptr())
}

/// The errno of what a call returned.
#[unsafe(no_mangle)]
pub extern "C" fn pmem2_err_to_errno(error: c_int) -> c_int {
    codes::to_errno(error)
}
