//! Device trees: QEMU's, and ones made node by node.

mod build;
mod regions;

pub use build::tree;

use crate::damage::each_byte;
use build::{Node, root};
use kpmem::firmware::{CacheBlocks, Error, Region, fdt::DeviceTree};

/// Of QEMU's `virt` machine: with Zicbom (128-byte blocks), without, and with a memory node that
/// stands in for an NVDIMM.
pub const ZICBOM: &[u8] = include_bytes!("../../data/firmware/virt-riscv64-128.dtb");
const NO_ZICBOM: &[u8] = include_bytes!("../../data/firmware/virt-riscv64-none.dtb");
const NODES: &[u8] = include_bytes!("../../data/firmware/virt-riscv64-nodes.dtb");

#[test]
fn memory() {
    let region = |base, len| Region { base, len };
    let tree = DeviceTree::parse(NODES).unwrap();
    let mut memory: Vec<_> = tree.memory().collect();
    memory.sort_by_key(|region| region.base);
    assert_eq!(memory[0], region(0x8000_0000, 256 << 20));
    assert_eq!(memory[1], region(0x9000_0000, 64 << 20));
    assert_eq!(tree.pmem_regions().count(), 0);
}

#[test]
fn block_sizes() {
    let of = |blob: &[u8]| DeviceTree::parse(blob).unwrap().cache_blocks();
    assert_eq!(of(ZICBOM).clean, Some(128));
    assert_eq!(of(NO_ZICBOM).clean, None);
    let hart = |isa: &'static str, list: &[u8], clean: u32| {
        Node::default()
            .with(isa, list)
            .with("riscv,cbom-block-size", &clean.to_be_bytes())
            .with("riscv,cboz-block-size", &32_u32.to_be_bytes())
    };
    let all = |harts: Vec<(&str, Node)>| {
        let cpus = harts
            .into_iter()
            .fold(Node::default(), |cpus, (name, it)| cpus.child(name, it));
        of(&root().child("cpus", cpus).blob())
    };
    let old = || hart("riscv,isa", b"rv64imac_zicbom_zicboz\0", 64);
    let list = || hart("riscv,isa-extensions", b"i\0m\0zicboz\0zicbom\0", 64);
    let both = CacheBlocks {
        clean: Some(64),
        zero: Some(32),
    };
    let versions = hart("riscv,isa", b"rv64i2p1_zicbom1p0_zicboz1\0", 64);
    assert_eq!(all(vec![("cpu@0", versions)]), both);
    // The list counts, not what is older.
    let without = hart("riscv,isa-extensions", b"i\0zicbomx\0zicbo\0zicbom1q\0", 64);
    let without = without.with("riscv,isa", b"rv64i_zicbom\0");
    assert_eq!(all(vec![("cpu@0", without)]), CacheBlocks::default());
    assert_eq!(all(vec![("cpu@0", old()), ("cpu@1", list())]), both);
    let zero_only = CacheBlocks {
        clean: None,
        zero: Some(32),
    };
    let other = || hart("riscv,isa", b"rv64imac_zicbom_zicboz\0", 32);
    assert_eq!(all(vec![("cpu@0", old()), ("cpu@1", other())]), zero_only);
    let odd = || hart("riscv,isa", b"rv64imac_zicbom_zicboz\0", 48);
    assert_eq!(all(vec![("cpu@0", odd())]), zero_only);
    // A hart that is off does not count, nor does what is no hart.
    let off = other().with("status", b"disabled\0");
    assert_eq!(
        all(vec![("cpu@0", old()), ("cpu@1", off), ("cpu-map", other())]),
        both
    );
    assert_eq!(all(vec![]), CacheBlocks::default());
    let short = old().with("riscv,cbom-block-size", &[1]);
    assert_eq!(all(vec![("cpu@0", short)]), zero_only);
    let silent = Node::default().with("riscv,isa", b"rv64_zicbom\0");
    assert_eq!(all(vec![("cpu@0", silent)]), CacheBlocks::default());
    assert_eq!(of(&root().blob()), CacheBlocks::default());
}

#[test]
fn harts() {
    let tree = DeviceTree::parse(ZICBOM).unwrap();
    let harts: Vec<_> = tree.harts().collect();
    assert_eq!(harts.len(), 2);
    assert!(harts[0].has(b"zicbom") && harts[0].has(b"zicboz") && !harts[0].has(b"zic"));
    assert_eq!((harts[1].clean, harts[1].zero), (Some(128), Some(32)));
    assert_eq!(harts[0].bits(), Some(64));
    let bits = |property: &'static str, value: &[u8]| {
        let hart = Node::default().with(property, value);
        let blob = root()
            .child("cpus", Node::default().child("cpu@0", hart))
            .blob();
        DeviceTree::parse(&blob)
            .unwrap()
            .harts()
            .next()
            .unwrap()
            .bits()
    };
    assert_eq!(bits("riscv,isa-base", b"rv64i\0"), Some(64));
    assert_eq!(bits("riscv,isa", b"rv32imac\0"), Some(32));
    assert_eq!(bits("riscv,isa", b"rv128\0"), None);
    assert_eq!(bits("compatible", b"riscv\0"), None);
}

#[test]
fn the_header() {
    let head = *ZICBOM.first_chunk().unwrap();
    assert_eq!(DeviceTree::len_of(head), Ok(ZICBOM.len()));
    let other = Error::Signature {
        expected: "device tree",
    };
    assert_eq!(DeviceTree::len_of([0; 8]), Err(other));
    let damaged = |at: usize, value| {
        let mut blob = ZICBOM.to_vec();
        blob[at] = value;
        DeviceTree::parse(&blob).unwrap_err()
    };
    let problem = |problem| Error::Tree { problem };
    assert_eq!(
        damaged(0, 0),
        problem("it does not begin with the magic number")
    );
    assert_eq!(
        damaged(4, 1),
        problem("its length is not the one that its header says")
    );
    assert_eq!(damaged(27, 99), problem("its version is not supported"));
    let Error::Tree { problem } = damaged(8, 0x7f) else {
        panic!()
    };
    assert!(!problem.is_empty());
    let tree = DeviceTree::parse(ZICBOM).unwrap();
    assert_eq!(
        format!("{tree:?}"),
        format!("DeviceTree({} bytes)", ZICBOM.len())
    );
}

#[test]
fn damage_is_survived() {
    for len in 0..ZICBOM.len() {
        assert!(DeviceTree::parse(&ZICBOM[..len]).is_err(), "{len} bytes");
    }
    assert!(each_byte(ZICBOM, crate::ask::fdt) > 0);
}
