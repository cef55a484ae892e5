//! What a device tree says (Devicetree Specification; RISC-V CPU bindings).

use crate::{Error, Region};
use dtoolkit::{Node, Property, fdt::Fdt};

/// A checked device tree.
#[derive(Clone, Copy, Debug)]
pub struct DeviceTree<'a>(Fdt<'a>);

impl<'a> DeviceTree<'a> {
    /// Length in bytes of the tree whose first bytes are given.
    pub fn len_of(head: [u8; 8]) -> Result<usize, Error> {
        let [m0, m1, m2, m3, length @ ..] = head;
        if [m0, m1, m2, m3] != [0xd0, 0x0d, 0xfe, 0xed] {
            return Err(Error::Signature);
        }
        Ok(u32::from_be_bytes(length) as usize)
    }

    /// Checks and views a whole tree.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Error> {
        Fdt::new(blob).map(Self).map_err(|_| Error::Signature)
    }

    /// The first memory region that holds none of these addresses: in QEMU's riscv64 machine, which
    /// has no NVDIMM device, a second memory node backed by a file stands in for one.
    pub fn memory_without(self, addresses: &[u64]) -> Result<Region, Error> {
        let root = self.0.root();
        let cells = (cells(&root, "#address-cells"), cells(&root, "#size-cells"));
        root.children()
            .filter(|node| node.name_without_address() == "memory")
            .filter_map(|node| region(node.property("reg")?.value(), cells))
            .find(|region| {
                let holds = |address: &u64| address.wrapping_sub(region.base) < region.len;
                !addresses.iter().any(holds)
            })
            .ok_or(Error::Missing("second memory node"))
    }

    /// Whether every CPU has 64-bit registers.
    pub fn is_64_bit(self) -> bool {
        let cpus = self.0.root().child("cpus");
        let mut all = cpus
            .iter()
            .flat_map(|cpus| cpus.children())
            .filter(|node| node.name_without_address() == "cpu");
        all.all(|cpu| {
            let isa = cpu.property("riscv,isa-base");
            let isa = isa.or_else(|| cpu.property("riscv,isa"));
            isa.is_some_and(|isa| isa.value().starts_with(b"rv64"))
        })
    }

    /// The block size of `cbo.clean` in bytes, where every CPU has Zicbom and all agree.
    pub fn cbom_block_size(self) -> Option<usize> {
        let cpus = self.0.root().child("cpus")?;
        let mut sizes = cpus
            .children()
            .filter(|node| node.name_without_address() == "cpu")
            .map(|cpu| {
                let extensions = cpu.property("riscv,isa-extensions");
                let isa = cpu.property("riscv,isa");
                let zicbom = extensions.is_some_and(|list| has_word(list.value(), 0))
                    || isa.is_some_and(|isa| has_word(isa.value(), b'_'));
                let size = cpu
                    .property("riscv,cbom-block-size")?
                    .value()
                    .try_into()
                    .ok()?;
                zicbom.then_some(u32::from_be_bytes(size) as usize)
            });
        let first = sizes.next()??;
        sizes.all(|size| size == Some(first)).then_some(first)
    }
}

/// Whether a list has the word `zicbom`.
fn has_word(list: &[u8], separator: u8) -> bool {
    list.split(|byte| *byte == separator || *byte == 0)
        .any(|word| word == b"zicbom")
}

/// A cell count, with the specification's default.
fn cells(root: &impl Node, name: &str) -> usize {
    let default = if name == "#address-cells" { 2 } else { 1 };
    root.property(name)
        .and_then(|cells| cells.value().try_into().ok())
        .map_or(default, |cells| u32::from_be_bytes(cells) as usize)
}

/// The first region of a `reg` property.
fn region(reg: &[u8], (address, size): (usize, usize)) -> Option<Region> {
    let number = |bytes: &[u8]| {
        (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    };
    let (base, rest) = reg.split_at_checked(address.checked_mul(4)?)?;
    let len = rest.get(..size.checked_mul(4)?)?;
    Some(Region {
        base: number(base)?,
        len: number(len)?,
    })
}
