//! The device tree, which the reset code passes on: the memory that stands in for an NVDIMM, and
//! the block size of the cache-block instructions.

use crate::machine::Discovered;
use core::slice;
use kpmem::firmware::{Error, Region, fdt::DeviceTree};

/// What the device tree says.
pub fn discover(blob: usize) -> Discovered {
    let tree = tree(blob as *const u8);
    // RAM is where this code is, and where the reset code put the tree.
    let ram = [discover as *const () as u64, blob as u64];
    Discovered {
        nvdimm: tree.and_then(|tree| memory_without(tree, ram)),
        source: "FDT",
        block: tree.ok().and_then(|tree| tree.cache_blocks().clean),
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

fn tree(blob: *const u8) -> Result<DeviceTree<'static>, Error> {
    // SAFETY: the reset code put a device tree there, which nobody changes; the header says how
    // long it is.
    unsafe {
        let len = DeviceTree::len_of(blob.cast::<[u8; 8]>().read())?;
        DeviceTree::parse(slice::from_raw_parts(blob, len))
    }
}
