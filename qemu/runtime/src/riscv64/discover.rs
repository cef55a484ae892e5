//! The device tree, which the reset code passes on: the memory that stands in for an NVDIMM, and
//! the block size of the cache-block instructions.

use crate::{firmware::Firmware, machine::Discovered};
use core::slice;
use kpmem::firmware::{Error, Region, fdt::DeviceTree};

/// What the device tree says.
pub fn discover(blob: usize) -> Discovered {
    let firmware = tree(blob as *const u8).and_then(Firmware::by_tree);
    let firmware = firmware.unwrap_or_else(|error| panic!("the device tree: {error}"));
    let tree = firmware.tree.expect("just read");
    // RAM is where this code is, and where the reset code put the tree.
    let ram = [discover as *const () as u64, blob as u64];
    Discovered {
        nvdimm: memory_without(tree, ram),
        source: "FDT",
        block: tree.cache_blocks().clean,
        firmware,
    }
}

/// The first range of memory that holds none of these addresses: QEMU's machine has no NVDIMM
/// device, so a second memory node backed by a file stands in for one.
fn memory_without(tree: DeviceTree<'_>, addresses: [u64; 2]) -> Result<Region, Error> {
    let holds = |region: &Region, base| region.contains(Region { base, len: 1 });
    let mut others = tree
        .memory()
        .filter(|region| !addresses.iter().any(|at| holds(region, *at)));
    others.next().ok_or(Error::Missing("second memory node"))
}

/// The tree's bytes.
fn tree(blob: *const u8) -> Result<&'static [u8], Error> {
    // SAFETY: the reset code put a device tree there, which nobody changes; the header says how
    // long it is.
    unsafe {
        let len = DeviceTree::len_of(blob.cast::<[u8; 8]>().read())?;
        Ok(slice::from_raw_parts(blob, len))
    }
}
