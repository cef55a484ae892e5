//! The flattened device tree (Devicetree Specification 0.4; bindings `pmem/pmem-region` and
//! `riscv/cpus`). Needs Rust 1.88.

use core::fmt;

use dtoolkit::{
    Node, Property,
    error::FdtErrorKind,
    fdt::{Fdt, FdtNode},
};

use crate::firmware::{CacheBlocks, Error, Region, harts};

/// A checked device tree.
#[derive(Clone, Copy)]
pub struct DeviceTree<'a>(Fdt<'a>);

/// A range of a `pmem-region` node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmemRegion {
    /// Its addresses.
    pub region: Region,
    /// Whether the node says that the memory keeps nothing when power fails.
    pub volatile: bool,
    /// Its proximity domain (`numa-node-id`), if the node says.
    pub domain: Option<u32>,
}

/// What a tree says of one hart (RISC-V's binding `riscv/cpus`). The strings are without their
/// ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hart<'a> {
    /// `riscv,isa`, such as `rv64imac_zicbom`.
    pub isa: Option<&'a [u8]>,
    /// `riscv,isa-base`, such as `rv64i`.
    pub base: Option<&'a [u8]>,
    /// `riscv,isa-extensions`: names, with a zero between them.
    pub extensions: Option<&'a [u8]>,
    /// `riscv,cbom-block-size`, in bytes.
    pub clean: Option<u32>,
    /// `riscv,cboz-block-size`, in bytes.
    pub zero: Option<u32>,
}

impl Hart<'_> {
    /// Whether it has an extension of several letters, such as `zicbom`.
    #[must_use]
    pub fn has(&self, extension: &[u8]) -> bool {
        let lists = [self.extensions, self.isa];
        let mut lists = lists.into_iter().flatten();
        lists.any(|list| harts::has_extension(list, extension))
    }

    /// The bits of its registers: 64, 32, or unknown.
    #[must_use]
    pub fn bits(&self) -> Option<u32> {
        match self.base.or(self.isa)? {
            [b'r', b'v', b'6', b'4', ..] => Some(64),
            [b'r', b'v', b'3', b'2', ..] => Some(32),
            _ => None,
        }
    }
}

impl<'a> DeviceTree<'a> {
    /// Length in bytes of the tree whose first bytes are given.
    ///
    /// # Errors
    /// [`Error::Signature`] if no tree begins with them.
    pub fn len_of(head: [u8; 8]) -> Result<usize, Error> {
        let [magic @ .., l0, l1, l2, l3] = head;
        if magic != [0xd0, 0x0d, 0xfe, 0xed] {
            return Err(Error::Signature {
                expected: "device tree",
            });
        }
        Ok(u32::from_be_bytes([l0, l1, l2, l3]) as usize)
    }

    /// Checks a whole tree: its structure, the `reg` of each memory and `pmem-region` node, and
    /// that no two persistent ranges overlap.
    ///
    /// # Errors
    /// What is malformed.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Error> {
        let fdt = Fdt::new(blob).map_err(|error| Error::Tree {
            problem: problem(&error.kind),
        })?;
        let tree = Self(fdt);
        for node in tree.top().filter(|node| is_memory(node) || is_pmem(node)) {
            let reg = node.reg().map_err(|_| REG)?.ok_or(REG)?;
            for entry in reg {
                let region = region(entry).ok_or(REG)?;
                region.last().ok_or(REG)?;
            }
        }
        for (number, one) in tree.pmem_regions().enumerate() {
            let mut before = tree.pmem_regions().take(number);
            if before.any(|other| other.region.overlaps(one.region)) {
                return Err(Error::Tree {
                    problem: "two pmem-region nodes have bytes in common",
                });
            }
        }
        Ok(tree)
    }

    /// The ranges of the `pmem-region` nodes that are enabled, the volatile ones, too.
    pub fn pmem_regions(self) -> impl Iterator<Item = PmemRegion> + use<'a> {
        self.top().filter(is_pmem).flat_map(|node| {
            let volatile = node.property("volatile").is_some();
            let domain = number(&node, "numa-node-id");
            regions(node).map(move |region| PmemRegion {
                region,
                volatile,
                domain,
            })
        })
    }

    /// The ranges of the memory nodes.
    pub fn memory(self) -> impl Iterator<Item = Region> + use<'a> {
        self.top().filter(is_memory).flat_map(regions)
    }

    /// The harts that are enabled, in order.
    pub fn harts(self) -> impl Iterator<Item = Hart<'a>> + use<'a> {
        let cpus = self.0.root().child("cpus").into_iter();
        let nodes = cpus.flat_map(|cpus| cpus.children());
        let harts = nodes.filter(|node| node.name_without_address() == "cpu" && is_enabled(node));
        harts.map(|node| Hart {
            isa: string(&node, "riscv,isa"),
            base: string(&node, "riscv,isa-base"),
            extensions: string(&node, "riscv,isa-extensions"),
            clean: number(&node, "riscv,cbom-block-size"),
            zero: number(&node, "riscv,cboz-block-size"),
        })
    }

    /// The block sizes by which every hart that is enabled cleans and zeroes, where all have the
    /// instructions and agree.
    #[must_use]
    pub fn cache_blocks(self) -> CacheBlocks {
        let block = |has: bool, size: Option<u32>| {
            let size = size.filter(|size| has && size.is_power_of_two())?;
            usize::try_from(size).ok()
        };
        harts::common(self.harts().map(|hart| CacheBlocks {
            clean: block(hart.has(b"zicbom"), hart.clean),
            zero: block(hart.has(b"zicboz"), hart.zero),
        }))
    }

    /// The nodes whose addresses are physical ones: children of the root, and of buses there that
    /// translate none.
    fn top(self) -> impl Iterator<Item = FdtNode<'a>> + use<'a> {
        self.0.root().children().flat_map(|node| {
            let is_bus = compatible(&node, "simple-bus")
                && node
                    .property("ranges")
                    .is_some_and(|ranges| ranges.value().is_empty());
            let below = is_bus.then(|| node.children()).into_iter().flatten();
            core::iter::once(node).chain(below)
        })
    }
}

impl fmt::Debug for DeviceTree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceTree({} bytes)", self.0.data().len())
    }
}

const REG: Error = Error::Tree {
    problem: "the reg of a node is no list of addresses and lengths of up to 64 bits",
};

/// The parser's errors, as far as they have no text of their own without a formatter.
fn problem(kind: &FdtErrorKind) -> &'static str {
    match kind {
        FdtErrorKind::InvalidMagic => "it does not begin with the magic number",
        FdtErrorKind::UnsupportedVersion(_) => "its version is not supported",
        FdtErrorKind::InvalidLength => "its length is not the one that its header says",
        FdtErrorKind::InvalidHeader(problem) => problem,
        _ => "its structure block",
    }
}

fn is_memory(node: &FdtNode<'_>) -> bool {
    node.name_without_address() == "memory" && is_enabled(node)
}

fn is_pmem(node: &FdtNode<'_>) -> bool {
    compatible(node, "pmem-region") && is_enabled(node)
}

fn is_enabled(node: &FdtNode<'_>) -> bool {
    let status = node.property("status");
    status.is_none_or(|status| matches!(status.value(), b"okay\0" | b"ok\0"))
}

fn compatible(node: &FdtNode<'_>, name: &str) -> bool {
    let list = node.property("compatible");
    list.is_some_and(|list| {
        list.value()
            .split(|byte| *byte == 0)
            .any(|it| it == name.as_bytes())
    })
}

fn regions(node: FdtNode<'_>) -> impl Iterator<Item = Region> + use<'_> {
    node.reg()
        .ok()
        .flatten()
        .into_iter()
        .flatten()
        .filter_map(region)
}

fn region(reg: dtoolkit::standard::Reg<'_>) -> Option<Region> {
    Some(Region {
        base: reg.address().ok()?,
        len: reg.size().ok()?,
    })
}

/// The value of a property, without the zero at its end.
fn string<'a>(node: &FdtNode<'a>, property: &str) -> Option<&'a [u8]> {
    let value: &[u8] = node.property(property)?.value_as().ok()?;
    Some(value.strip_suffix(&[0]).unwrap_or(value))
}

fn number(node: &FdtNode<'_>, property: &str) -> Option<u32> {
    node.property(property)?.value_as().ok()
}
