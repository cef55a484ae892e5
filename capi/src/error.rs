//! Errors as C sees them: 0, or a negative number.

use core::{
    ffi::{c_char, c_int},
    ptr::copy_nonoverlapping,
};

use kpmem::{Error, ErrorCode, firmware};

/// [`ErrorCode::Null`]
pub const KPMEM_E_NULL: c_int = -200001;
/// [`ErrorCode::Empty`]
pub const KPMEM_E_EMPTY: c_int = -200002;
/// [`ErrorCode::Wraps`]
pub const KPMEM_E_WRAPS: c_int = -200003;
/// [`ErrorCode::OutsideMap`]
pub const KPMEM_E_OUTSIDE_MAP: c_int = -200004;
/// [`ErrorCode::Unsupported`]
pub const KPMEM_E_UNSUPPORTED: c_int = -200005;
/// [`ErrorCode::NotInvalidated`]
pub const KPMEM_E_NOT_INVALIDATED: c_int = -200006;
/// [`ErrorCode::LineSize`]
pub const KPMEM_E_LINE_SIZE: c_int = -200007;
/// [`ErrorCode::WrongGranularity`]
pub const KPMEM_E_WRONG_GRANULARITY: c_int = -200008;
/// [`ErrorCode::Flags`]
pub const KPMEM_E_FLAGS: c_int = -200009;
/// [`ErrorCode::Misaligned`]
pub const KPMEM_E_MISALIGNED: c_int = -200010;
/// [`ErrorCode::AlreadySelected`]
pub const KPMEM_E_ALREADY_SELECTED: c_int = -200011;
/// [`ErrorCode::NoHook`]
pub const KPMEM_E_NO_HOOK: c_int = -200012;
/// [`ErrorCode::Overlap`]
pub const KPMEM_E_OVERLAP: c_int = -200013;
/// [`ErrorCode::SlotInUse`]
pub const KPMEM_E_SLOT_IN_USE: c_int = -200014;
/// [`ErrorCode::NotCovered`]
pub const KPMEM_E_NOT_COVERED: c_int = -200015;
/// [`ErrorCode::TooCoarse`]
pub const KPMEM_E_TOO_COARSE: c_int = -200016;
/// [`ErrorCode::NotMapped`]
pub const KPMEM_E_NOT_MAPPED: c_int = -200017;
/// [`ErrorCode::NotWriteBack`]
pub const KPMEM_E_NOT_WRITE_BACK: c_int = -200018;
/// [`ErrorCode::NotArmed`]
pub const KPMEM_E_NOT_ARMED: c_int = -200019;
/// [`ErrorCode::Poisoned`]
pub const KPMEM_E_POISONED: c_int = -200020;
/// [`ErrorCode::PoisonFull`]
pub const KPMEM_E_POISON_FULL: c_int = -200021;
/// [`ErrorCode::NoDeepDomain`]
pub const KPMEM_E_NO_DEEP_DOMAIN: c_int = -200022;
/// [`ErrorCode::Sync`], of a hook whose code is no `-errno`.
pub const KPMEM_E_SYNC: c_int = -200023;
/// [`ErrorCode::Unreadable`]
pub const KPMEM_E_UNREADABLE: c_int = -200101;
/// [`ErrorCode::Signature`]
pub const KPMEM_E_SIGNATURE: c_int = -200102;
/// [`ErrorCode::Checksum`]
pub const KPMEM_E_CHECKSUM: c_int = -200103;
/// [`ErrorCode::Truncated`]
pub const KPMEM_E_TRUNCATED: c_int = -200104;
/// [`ErrorCode::Length`]
pub const KPMEM_E_LENGTH: c_int = -200105;
/// [`ErrorCode::Value`]
pub const KPMEM_E_VALUE: c_int = -200106;
/// [`ErrorCode::Dangling`]
pub const KPMEM_E_DANGLING: c_int = -200107;
/// [`ErrorCode::Duplicate`]
pub const KPMEM_E_DUPLICATE: c_int = -200108;
/// [`ErrorCode::OverlapInTable`]
pub const KPMEM_E_OVERLAP_IN_TABLE: c_int = -200109;
/// [`ErrorCode::TooMany`]
pub const KPMEM_E_TOO_MANY: c_int = -200110;
/// [`ErrorCode::Tree`]
pub const KPMEM_E_TREE: c_int = -200111;
/// [`ErrorCode::Missing`]
pub const KPMEM_E_MISSING: c_int = -200112;
/// No handle: null, not initialised, ended, copied, or of another kind.
pub const KPMEM_E_HANDLE: c_int = -200201;
/// Null, or an unknown value, where something must be.
pub const KPMEM_E_ARGUMENT: c_int = -200202;
/// There are no more.
pub const KPMEM_E_NO_MORE: c_int = -200203;
/// A page map's plain functions are wanted, and it is not registered.
pub const KPMEM_E_NOT_REGISTERED: c_int = -200204;
/// The handle is in use: a page map that is registered.
pub const KPMEM_E_BUSY: c_int = -200205;

/// What C calls each of the library's codes.
const NAMES: [(ErrorCode, c_int); 35] = [
    (ErrorCode::Null, KPMEM_E_NULL),
    (ErrorCode::Empty, KPMEM_E_EMPTY),
    (ErrorCode::Wraps, KPMEM_E_WRAPS),
    (ErrorCode::OutsideMap, KPMEM_E_OUTSIDE_MAP),
    (ErrorCode::Unsupported, KPMEM_E_UNSUPPORTED),
    (ErrorCode::NotInvalidated, KPMEM_E_NOT_INVALIDATED),
    (ErrorCode::LineSize, KPMEM_E_LINE_SIZE),
    (ErrorCode::WrongGranularity, KPMEM_E_WRONG_GRANULARITY),
    (ErrorCode::Flags, KPMEM_E_FLAGS),
    (ErrorCode::Misaligned, KPMEM_E_MISALIGNED),
    (ErrorCode::AlreadySelected, KPMEM_E_ALREADY_SELECTED),
    (ErrorCode::NoHook, KPMEM_E_NO_HOOK),
    (ErrorCode::Overlap, KPMEM_E_OVERLAP),
    (ErrorCode::SlotInUse, KPMEM_E_SLOT_IN_USE),
    (ErrorCode::NotCovered, KPMEM_E_NOT_COVERED),
    (ErrorCode::TooCoarse, KPMEM_E_TOO_COARSE),
    (ErrorCode::NotMapped, KPMEM_E_NOT_MAPPED),
    (ErrorCode::NotWriteBack, KPMEM_E_NOT_WRITE_BACK),
    (ErrorCode::NotArmed, KPMEM_E_NOT_ARMED),
    (ErrorCode::Poisoned, KPMEM_E_POISONED),
    (ErrorCode::PoisonFull, KPMEM_E_POISON_FULL),
    (ErrorCode::NoDeepDomain, KPMEM_E_NO_DEEP_DOMAIN),
    (ErrorCode::Sync, KPMEM_E_SYNC),
    (ErrorCode::Unreadable, KPMEM_E_UNREADABLE),
    (ErrorCode::Signature, KPMEM_E_SIGNATURE),
    (ErrorCode::Checksum, KPMEM_E_CHECKSUM),
    (ErrorCode::Truncated, KPMEM_E_TRUNCATED),
    (ErrorCode::Length, KPMEM_E_LENGTH),
    (ErrorCode::Value, KPMEM_E_VALUE),
    (ErrorCode::Dangling, KPMEM_E_DANGLING),
    (ErrorCode::Duplicate, KPMEM_E_DUPLICATE),
    (ErrorCode::OverlapInTable, KPMEM_E_OVERLAP_IN_TABLE),
    (ErrorCode::TooMany, KPMEM_E_TOO_MANY),
    (ErrorCode::Tree, KPMEM_E_TREE),
    (ErrorCode::Missing, KPMEM_E_MISSING),
];

// As many as there are, in the same order, with the same numbers.
const _: () = {
    assert!(NAMES.len() == ErrorCode::ALL.len());
    let mut i = 0;
    while i < NAMES.len() {
        assert!(NAMES[i].0 as i32 == NAMES[i].1 && ErrorCode::ALL[i] as i32 == NAMES[i].1);
        i += 1;
    }
};

/// The numbers that a hook may return, for they are handed on as they are: those of `-errno`.
const HOOKS: core::ops::RangeInclusive<c_int> = -4095..=-1;

/// Puts what a function has to say into C's form.
pub(crate) fn status(result: Result<(), c_int>) -> c_int {
    result.err().unwrap_or(0)
}

/// An error's number; of a hook that failed, the hook's own.
pub(crate) fn code(error: Error) -> c_int {
    match error {
        Error::Sync { code, .. } if HOOKS.contains(&code) => code,
        error => error.code(),
    }
}

pub(crate) fn of_firmware(error: firmware::Error) -> c_int {
    error.code()
}

/// A sentence about a code, NUL-terminated. Returns its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_errormsg(code: c_int, buffer: *mut c_char, size: usize) -> usize {
    let message = message(code);
    if !buffer.is_null() && size > 0 {
        let len = message.len().min(size - 1);
        // SAFETY: the caller vouches for `size` bytes, and there is room for the end.
        unsafe {
            copy_nonoverlapping(message.as_ptr().cast(), buffer, len);
            buffer.add(len).write(0);
        }
    }
    message.len()
}

fn message(code: c_int) -> &'static str {
    match code {
        0 => "no error",
        KPMEM_E_HANDLE => "no handle: null, not initialised, ended, moved, or of something else",
        KPMEM_E_ARGUMENT => "null, or an unknown value, where something must be",
        KPMEM_E_NO_MORE => "there are no more",
        KPMEM_E_NOT_REGISTERED => "the page map is not registered, so it has no plain functions",
        KPMEM_E_BUSY => "the page map is registered",
        code if HOOKS.contains(&code) => "a hook or a device failed with this code of its own",
        code => ErrorCode::from_i32(code).map_or("an unknown code", ErrorCode::message),
    }
}
