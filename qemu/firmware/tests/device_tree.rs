//! Device trees of QEMU's `virt` machine: two harts, 256 MiB of RAM and 64 MiB that stand in for an
//! NVDIMM, with Zicbom (128-byte blocks) and without.

use kpmem_firmware::{Error, Region, device_tree::DeviceTree};

const ZICBOM: &[u8] = include_bytes!("data/virt-zicbom-128.dtb");
const NO_ZICBOM: &[u8] = include_bytes!("data/virt-no-zicbom.dtb");

#[test]
fn memory_that_does_not_hold_the_kernel() {
    let ram = Region {
        base: 0x8000_0000,
        len: 256 << 20,
    };
    let nvdimm = Region {
        base: 0x9000_0000,
        len: 64 << 20,
    };
    for blob in [ZICBOM, NO_ZICBOM] {
        let tree = DeviceTree::parse(blob).unwrap();
        assert_eq!(tree.memory_without(&[0x8000_0000]), Ok(nvdimm));
        assert_eq!(tree.memory_without(&[0x8fff_ffff]), Ok(nvdimm));
        assert_eq!(tree.memory_without(&[0x9000_0000]), Ok(ram));
    }
}

#[test]
fn block_size() {
    assert_eq!(
        DeviceTree::parse(ZICBOM).unwrap().cbom_block_size(),
        Some(128)
    );
    assert_eq!(
        DeviceTree::parse(NO_ZICBOM).unwrap().cbom_block_size(),
        None
    );
}

#[test]
fn registers() {
    assert!(DeviceTree::parse(ZICBOM).unwrap().is_64_bit());
    let mut changed = ZICBOM.to_vec();
    for at in 0..changed.len() - 4 {
        if changed[at..].starts_with(b"rv64") {
            changed[at + 2..at + 4].copy_from_slice(b"32");
        }
    }
    assert!(!DeviceTree::parse(&changed).unwrap().is_64_bit());
}

#[test]
fn harts_that_disagree_have_no_block_size() {
    // The property's value is the only 128 that is a big-endian word behind its header.
    let property = [0, 0, 0, 4].to_vec();
    let places: Vec<_> = (0..ZICBOM.len() - 12)
        .step_by(4)
        .filter(|at| {
            ZICBOM[*at..].starts_with(&property) && ZICBOM[at + 8..].starts_with(&[0, 0, 0, 128])
        })
        .collect();
    assert!(places.len() >= 2, "{places:?}");
    let mut changed = ZICBOM.to_vec();
    changed[places[0] + 11] = 64;
    assert_eq!(DeviceTree::parse(&changed).unwrap().cbom_block_size(), None);
}

#[test]
fn the_header_tells_the_length() {
    let head = *ZICBOM.first_chunk().unwrap();
    assert_eq!(DeviceTree::len_of(head), Ok(ZICBOM.len()));
    assert_eq!(DeviceTree::len_of([0; 8]), Err(Error::Signature));
}

#[test]
fn damage_is_survived() {
    for len in 0..ZICBOM.len() {
        assert!(DeviceTree::parse(&ZICBOM[..len]).is_err(), "{len} bytes");
    }
    for at in 0..ZICBOM.len() {
        for value in [0, 3, 0x80, 0xff] {
            let mut blob = ZICBOM.to_vec();
            blob[at] = value;
            if let Ok(tree) = DeviceTree::parse(&blob) {
                let _ = tree.memory_without(&[0x8000_0000]);
                let _ = tree.cbom_block_size();
            }
        }
    }
}
