//! The firmware's tables, for kernels that look at more than the first NVDIMM. They are copied into
//! the image, as its address space maps little else.

use crate::memory;
use kpmem::firmware::{Error, fdt::DeviceTree, find_table};

/// What the firmware left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Firmware {
    /// ACPI's NFIT.
    pub nfit: Option<&'static [u8]>,
    /// ACPI's CEDT.
    pub cedt: Option<&'static [u8]>,
    /// ACPI's SRAT.
    pub srat: Option<&'static [u8]>,
    /// The device tree.
    pub tree: Option<DeviceTree<'static>>,
}

impl Firmware {
    /// Copies the tables that are found from the RSDP on; `physical` gives the bytes at a physical
    /// address. A table that is malformed is a panic.
    pub fn by_acpi<'a>(rsdp: u64, physical: impl Fn(u64, usize) -> Option<&'a [u8]>) -> Self {
        let table = |signature| match find_table(&physical, rsdp, signature) {
            Ok(bytes) => Some(copied(bytes)),
            Err(Error::Missing(_)) => None,
            Err(error) => panic!("{}: {error}", signature.escape_ascii()),
        };
        Self {
            nfit: table(*b"NFIT"),
            cedt: table(*b"CEDT"),
            srat: table(*b"SRAT"),
            tree: None,
        }
    }

    /// Copies a device tree.
    pub fn by_tree(blob: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            tree: Some(DeviceTree::parse(copied(blob))?),
            ..Self::default()
        })
    }
}

fn copied(bytes: &[u8]) -> &'static [u8] {
    let copy = memory::allocate(bytes.len(), 8);
    copy.copy_from_slice(bytes);
    copy
}
