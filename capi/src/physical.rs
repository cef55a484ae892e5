//! Tables of the firmware's, by physical address.

use core::{
    ffi::{c_char, c_int, c_void},
    slice,
};

use kpmem::firmware::find_table;

use crate::{
    error::{KPMEM_E_ARGUMENT, of_firmware, status},
    handle::{answer, read},
};

/// Where the kernel has mapped so many bytes at a physical address; null if nowhere.
pub type kpmem_physical_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, address: u64, len: usize) -> *const c_void>;

/// Physical addresses.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct kpmem_region {
    /// First byte.
    pub base: u64,
    /// Length in bytes.
    pub len: u64,
}

impl From<kpmem::Region> for kpmem_region {
    fn from(region: kpmem::Region) -> Self {
        let kpmem::Region { base, len } = region;
        Self { base, len }
    }
}

impl From<kpmem_region> for kpmem::Region {
    fn from(region: kpmem_region) -> Self {
        let kpmem_region { base, len } = region;
        Self { base, len }
    }
}

/// [`find_table`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_find_table(
    physical: kpmem_physical_fn,
    context: *mut c_void,
    rsdp: u64,
    signature: *const c_char,
    table: *mut *const c_void,
    len: *mut usize,
) -> c_int {
    let Some(physical) = physical else {
        return KPMEM_E_ARGUMENT;
    };
    let physical = |address, len| {
        // SAFETY: the caller vouches for the function, and for the bytes that it returns.
        unsafe { bytes(physical(context, address, len), len).ok() }
    };
    // SAFETY: the caller vouches for the other pointers.
    status(unsafe {
        read(signature.cast::<[u8; 4]>()).and_then(|signature| {
            let found = find_table(physical, rsdp, *signature).map_err(of_firmware)?;
            answer(table, found.as_ptr().cast())?;
            answer(len, found.len())
        })
    })
}

/// Bytes of C's.
///
/// # Safety
/// `start` is null or has `len` bytes, which do not change any more.
pub(crate) unsafe fn bytes(start: *const c_void, len: usize) -> Result<&'static [u8], c_int> {
    if start.is_null() || isize::try_from(len).is_err() {
        return Err(KPMEM_E_ARGUMENT);
    }
    // SAFETY: the caller's.
    Ok(unsafe { slice::from_raw_parts(start.cast(), len) })
}
