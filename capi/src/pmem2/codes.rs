//! libpmem2's error codes: the values of its header, and a sentence for each. Shared by the calls
//! that need no OS (here) and those that do (the crate `kpmem-libpmem2`).
//!
//! A call returns 0, one of these, or the negative of an errno.

use core::ffi::CStr;

use kpmem::Error;

/// A code, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// What a call returns.
    pub value: i32,
    /// What `pmem2_errormsg` says, if nobody knows better.
    pub text: &'static CStr,
}

const fn own(number: i32, text: &'static CStr) -> Code {
    Code {
        value: -100_000 - number,
        text,
    }
}

/// `EINVAL`.
pub const INVALID: i32 = 22;
/// `ENOMEM`.
pub const NO_MEMORY: i32 = 12;
/// `EIO`.
pub const INPUT_OUTPUT: i32 = 5;
/// `ENOTSUP`.
pub const NOT_SUPPORTED: i32 = 95;

/// `PMEM2_E_UNKNOWN`.
pub const UNKNOWN: Code = own(0, c"an error that has no code");
/// `PMEM2_E_NOSUPP`.
pub const NOSUPP: Code = own(1, c"not supported for this source or on this platform");
/// `PMEM2_E_FILE_HANDLE_NOT_SET`.
pub const FILE_HANDLE_NOT_SET: Code = own(3, c"the source has no file handle");
/// `PMEM2_E_INVALID_FILE_HANDLE`.
pub const INVALID_FILE_HANDLE: Code = own(4, c"the file is not open, or not for reading");
/// `PMEM2_E_INVALID_FILE_TYPE`.
pub const INVALID_FILE_TYPE: Code = own(5, c"neither a regular file nor a DAX device");
/// `PMEM2_E_MAP_RANGE`.
pub const MAP_RANGE: Code = own(
    6,
    c"the range is larger than its source or the address space",
);
/// `PMEM2_E_MAPPING_EXISTS`.
pub const MAPPING_EXISTS: Code = own(7, c"something is mapped there");
/// `PMEM2_E_GRANULARITY_NOT_SET`.
pub const GRANULARITY_NOT_SET: Code = own(8, c"the config has no required store granularity");
/// `PMEM2_E_GRANULARITY_NOT_SUPPORTED`.
pub const GRANULARITY_NOT_SUPPORTED: Code = own(9, c"the granularity is not possible here");
/// `PMEM2_E_OFFSET_OUT_OF_RANGE`.
pub const OFFSET_OUT_OF_RANGE: Code = own(10, c"the offset is out of range");
/// `PMEM2_E_OFFSET_UNALIGNED`.
pub const OFFSET_UNALIGNED: Code = own(11, c"the offset is not a multiple of the alignment");
/// `PMEM2_E_INVALID_ALIGNMENT_FORMAT`.
pub const INVALID_ALIGNMENT_FORMAT: Code = own(12, c"the kernel's alignment is no number");
/// `PMEM2_E_INVALID_ALIGNMENT_VALUE`.
pub const INVALID_ALIGNMENT_VALUE: Code = own(13, c"the kernel's alignment is no power of two");
/// `PMEM2_E_INVALID_SIZE_FORMAT`.
pub const INVALID_SIZE_FORMAT: Code = own(14, c"the kernel's size of the device is no number");
/// `PMEM2_E_LENGTH_UNALIGNED`.
pub const LENGTH_UNALIGNED: Code = own(15, c"the length is not a multiple of the alignment");
/// `PMEM2_E_MAPPING_NOT_FOUND`.
pub const MAPPING_NOT_FOUND: Code = own(16, c"there is no such map");
/// `PMEM2_E_BUFFER_TOO_SMALL`.
pub const BUFFER_TOO_SMALL: Code = own(17, c"the buffer is too small");
/// `PMEM2_E_SOURCE_EMPTY`.
pub const SOURCE_EMPTY: Code = own(18, c"the source has no bytes");
/// `PMEM2_E_INVALID_SHARING_VALUE`.
pub const INVALID_SHARING_VALUE: Code = own(19, c"neither shared nor private");
/// `PMEM2_E_SRC_DEVDAX_PRIVATE`.
pub const SRC_DEVDAX_PRIVATE: Code = own(20, c"a DAX device cannot be mapped private");
/// `PMEM2_E_INVALID_ADDRESS_REQUEST_TYPE`.
pub const INVALID_ADDRESS_REQUEST_TYPE: Code = own(21, c"unknown kind of address request");
/// `PMEM2_E_ADDRESS_UNALIGNED`.
pub const ADDRESS_UNALIGNED: Code = own(22, c"the address is not a multiple of the alignment");
/// `PMEM2_E_ADDRESS_NULL`.
pub const ADDRESS_NULL: Code = own(23, c"the address is null");
/// `PMEM2_E_DEEP_FLUSH_RANGE`.
pub const DEEP_FLUSH_RANGE: Code = own(24, c"the range to deep-flush is not inside the map");
/// `PMEM2_E_INVALID_REGION_FORMAT`.
pub const INVALID_REGION_FORMAT: Code = own(25, c"the kernel's number of the region is none");
/// `PMEM2_E_DAX_REGION_NOT_FOUND`.
pub const DAX_REGION_NOT_FOUND: Code = own(26, c"no region of persistent memory is behind it");
/// `PMEM2_E_INVALID_DEV_FORMAT`.
pub const INVALID_DEV_FORMAT: Code = own(27, c"the kernel's number of the device is none");
/// `PMEM2_E_CANNOT_READ_BOUNDS`.
pub const CANNOT_READ_BOUNDS: Code = own(28, c"the device's offset or size cannot be read");
/// `PMEM2_E_NO_BAD_BLOCK_FOUND`.
pub const NO_BAD_BLOCK_FOUND: Code = own(29, c"there are no more bad blocks");
/// `PMEM2_E_LENGTH_OUT_OF_RANGE`.
pub const LENGTH_OUT_OF_RANGE: Code = own(30, c"the length is out of range");
/// `PMEM2_E_INVALID_PROT_FLAG`.
pub const INVALID_PROT_FLAG: Code = own(31, c"unknown protection flags");
/// `PMEM2_E_NO_ACCESS`.
pub const NO_ACCESS: Code = own(32, c"the file is not open for what the protection allows");
/// `PMEM2_E_VM_RESERVATION_NOT_EMPTY`.
pub const VM_RESERVATION_NOT_EMPTY: Code = own(33, c"there are maps in the reservation");
/// `PMEM2_E_MAP_EXISTS`.
pub const MAP_EXISTS: Code = own(34, c"another map covers a part of the range");
/// `PMEM2_E_FILE_DESCRIPTOR_NOT_SET`.
pub const FILE_DESCRIPTOR_NOT_SET: Code = own(35, c"the source has no file descriptor");
/// `PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED`.
pub const SOURCE_TYPE_NOT_SUPPORTED: Code = own(36, c"not possible with a source of this kind");
/// `PMEM2_E_IO_FAIL`.
pub const IO_FAIL: Code = own(37, c"an input or output error: perhaps a bad block");

/// The errno of what a call returned, as `pmem2_err_to_errno` gives it: its own codes are `ENOTSUP`
/// or `EINVAL`. (A positive value is none; libpmem2 aborts the program then.)
pub const fn to_errno(error: i32) -> i32 {
    if error == NOSUPP.value {
        NOT_SUPPORTED
    } else if error <= UNKNOWN.value || error > 0 {
        INVALID
    } else {
        -error
    }
}

/// What a map or call of kpmem refused, in libpmem2's words. A hook's own code stays what it is, if
/// it is an errno, positive or negative.
pub const fn of(error: &Error) -> Code {
    match error {
        Error::Null { .. } => ADDRESS_NULL,
        Error::Empty { .. } => LENGTH_OUT_OF_RANGE,
        Error::Wraps { .. } => MAP_RANGE,
        Error::Unsupported { .. } | Error::LineSize { .. } | Error::NoHook { .. } => {
            GRANULARITY_NOT_SUPPORTED
        }
        Error::Overlap { .. } => MAP_EXISTS,
        Error::OutsideMap { .. } => DEEP_FLUSH_RANGE,
        Error::NoDeepDomain { .. } => NOSUPP,
        Error::NotCovered { .. } | Error::Poisoned { .. } => IO_FAIL,
        Error::Sync { code, .. } => Code {
            value: match *code {
                0 => -INPUT_OUTPUT,
                code if code > 0 => -code,
                code => code,
            },
            text: c"the hook that makes the range durable failed",
        },
        _ => UNKNOWN,
    }
}
