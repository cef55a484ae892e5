//! The device tree, which the reset code passes on: the memory that stands in for an NVDIMM, and
//! the block size of the cache-block instructions.

use crate::machine::Discovered;
use core::slice;
use kpmem_firmware::{Error, device_tree::DeviceTree};

/// What the device tree says.
pub fn discover(blob: usize) -> Discovered {
    let tree = tree(blob as *const u8);
    // RAM is where this code is, and where the reset code put the tree.
    let ram = [discover as *const () as u64, blob as u64];
    Discovered {
        nvdimm: tree.and_then(|tree| tree.memory_without(&ram)),
        source: "FDT",
        block: tree.ok().and_then(DeviceTree::cbom_block_size),
    }
}

fn tree(blob: *const u8) -> Result<DeviceTree<'static>, Error> {
    // SAFETY: the reset code put a device tree there, which nobody changes; the header says how
    // long it is.
    unsafe {
        let head = slice::from_raw_parts(blob, 8)
            .try_into()
            .map_err(|_| Error::Truncated)?;
        DeviceTree::parse(slice::from_raw_parts(blob, DeviceTree::len_of(head)?))
    }
}
