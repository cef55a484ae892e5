//! What a kernel asks of a device tree or the RHCT beside its persistent memory.

use core::ffi::{c_int, c_void};

use kpmem::firmware::{CacheBlocks, fdt::DeviceTree, rhct::Rhct};

use crate::{
    error::{KPMEM_E_NO_MORE, of_firmware, status},
    handle::{answer, read},
    physical::{bytes, kpmem_region},
};

/// [`CacheBlocks`]: sizes in bytes, 0 where not every hart has the instruction.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct kpmem_cache_blocks {
    /// Of Zicbom.
    pub clean: usize,
    /// Of Zicboz.
    pub zero: usize,
}

impl From<CacheBlocks> for kpmem_cache_blocks {
    fn from(blocks: CacheBlocks) -> Self {
        Self {
            clean: blocks.clean.unwrap_or_default(),
            zero: blocks.zero.unwrap_or_default(),
        }
    }
}

/// [`DeviceTree::len_of`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_device_tree_len(head: *const c_void, len: *mut usize) -> c_int {
    // SAFETY: the caller vouches for eight bytes, and the place.
    status(unsafe {
        read(head.cast::<[u8; 8]>()).and_then(|head| {
            let found = DeviceTree::len_of(*head).map_err(of_firmware)?;
            answer(len, found)
        })
    })
}

/// [`DeviceTree::cache_blocks`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_device_tree_cache_blocks(
    tree: *const c_void,
    len: usize,
    blocks: *mut kpmem_cache_blocks,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe { parse(tree, len).and_then(|tree| answer(blocks, tree.cache_blocks().into())) })
}

/// One of [`DeviceTree::memory`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_device_tree_memory(
    tree: *const c_void,
    len: usize,
    index: usize,
    region: *mut kpmem_region,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe {
        parse(tree, len).and_then(|tree| {
            let found = tree.memory().nth(index).ok_or(KPMEM_E_NO_MORE)?;
            answer(region, found.into())
        })
    })
}

/// [`Rhct::cache_blocks`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_rhct_cache_blocks(
    table: *const c_void,
    len: usize,
    blocks: *mut kpmem_cache_blocks,
) -> c_int {
    // SAFETY: the caller vouches for both.
    status(unsafe {
        bytes(table, len).and_then(|table| {
            let rhct = Rhct::parse(table).map_err(of_firmware)?;
            answer(blocks, rhct.cache_blocks().into())
        })
    })
}

/// # Safety
/// As for [`bytes`].
unsafe fn parse(tree: *const c_void, len: usize) -> Result<DeviceTree<'static>, c_int> {
    // SAFETY: the caller's.
    DeviceTree::parse(unsafe { bytes(tree, len)? }).map_err(of_firmware)
}
