//! Device trees: feature `device-tree`.

use core::ffi::{c_int, c_void};

use kpmem::{Platform, firmware::fdt::DeviceTree};

use crate::{
    error::{KPMEM_E_NO_MORE, of_firmware, status},
    handle::{answer, read},
    harts::kpmem_cache_blocks,
    physical::{bytes, kpmem_region},
    platform::{add, kpmem_platform},
};

/// [`Platform::with_device_tree`]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kpmem_platform_add_device_tree(
    platform: *mut kpmem_platform,
    tree: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller vouches for handle and tree.
    unsafe {
        add(
            platform,
            tree,
            len,
            DeviceTree::parse,
            Platform::with_device_tree,
        )
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

/// # Safety
/// As for [`bytes`].
unsafe fn parse(tree: *const c_void, len: usize) -> Result<DeviceTree<'static>, c_int> {
    // SAFETY: the caller's.
    DeviceTree::parse(unsafe { bytes(tree, len)? }).map_err(of_firmware)
}
