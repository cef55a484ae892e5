//! The flattened device tree (Devicetree Specification 0.4; bindings `pmem/pmem-region` and
//! `riscv/cpus`). Needs Rust 1.88.
//!
//! ```
//! use kpmem::firmware::{Error, Region, fdt::{DeviceTree, Hart, PmemRegion}};
//!
//! /// The ranges of persistent memory, and those of all memory.
//! fn ranges(blob: &[u8]) -> Result<(Vec<Region>, Vec<Region>), Error> {
//!     let tree = DeviceTree::parse(blob)?;
//!     let persistent = tree.pmem_regions().filter(|it: &PmemRegion| !it.volatile);
//!     Ok((persistent.map(|it| it.region).collect(), tree.memory().collect()))
//! }
//!
//! /// The block size, where all harts agree, and whether all have registers of 64 bits.
//! fn harts(tree: DeviceTree<'_>) -> (Option<usize>, bool) {
//!     let wide = |hart: Hart<'_>| hart.bits() == Some(64) && hart.has(b"zicbom");
//!     (tree.cache_blocks().clean, tree.harts().all(wide))
//! }
//!
//! // A boot loader passes an address: how long is the tree that begins there?
//! assert_eq!(DeviceTree::len_of([0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0x10, 0]), Ok(0x1000));
//! assert!(ranges(b"no tree").is_err());
//! ```

use core::fmt;

use dtoolkit::{
    Cells, Node, Property,
    error::FdtErrorKind,
    fdt::{Fdt, FdtNode},
    standard::Reg,
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
    /// Whether it has an extension of several letters, such as `zicbom`. Where there is a list of
    /// extensions, the older `riscv,isa` does not count.
    #[must_use]
    pub fn has(&self, extension: &[u8]) -> bool {
        let list = self.extensions.or(self.isa);
        list.is_some_and(|list| harts::has_extension(list, extension))
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

    /// Checks a whole tree: its structure, the `reg` of each `pmem-region` node, that there are no
    /// more of these than 512, and that no two overlap. Bytes that follow the tree are not looked
    /// at.
    ///
    /// # Errors
    /// What is malformed.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Error> {
        let whole = blob
            .first_chunk()
            .and_then(|head| blob.get(..Self::len_of(*head).ok()?));
        let fdt = Fdt::new(whole.unwrap_or(blob)).map_err(|error| Error::Tree {
            problem: problem(&error.kind),
        })?;
        let tree = Self(fdt);
        for node in tree.nodes().filter(is_pmem) {
            let mut reg = node.reg().map_err(|_| REG)?.ok_or(REG)?.peekable();
            reg.peek().ok_or(REG)?;
            for entry in reg {
                region(entry).ok_or(REG)?.last().ok_or(REG)?;
            }
        }
        if tree.pmem_regions().nth(MOST).is_some() {
            return Err(Error::TooMany { most: MOST });
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

    /// The ranges of the `pmem-region` nodes that are enabled, the volatile ones, too: at the root,
    /// and below nodes whose addresses are those of the root (an empty `ranges`). Buses that
    /// translate addresses are not looked into.
    pub fn pmem_regions(self) -> impl Iterator<Item = PmemRegion> + use<'a> {
        self.nodes().filter(is_pmem).flat_map(|node| {
            let volatile = node.property("volatile").is_some();
            let domain = number(&node, "numa-node-id");
            regions(node).map(move |region| PmemRegion {
                region,
                volatile,
                domain,
            })
        })
    }

    /// The ranges of the memory nodes (`device_type`), but for empty ones.
    pub fn memory(self) -> impl Iterator<Item = Region> + use<'a> {
        self.0.root().children().filter(is_memory).flat_map(regions)
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

    /// The nodes whose addresses are physical ones.
    fn nodes(self) -> Physical<'a> {
        let mut levels = [const { None }; DEPTH];
        levels[0] = Some(self.0.root().children());
        Physical { levels, depth: 1 }
    }
}

type Children<'a> = <FdtNode<'a> as Node>::Children<'a>;

/// How deep buses lie in each other.
const DEPTH: usize = 8;

/// The most ranges of `pmem-region` nodes: to look for overlaps takes a time that is quadratic in
/// them.
const MOST: usize = 512;

/// Nodes below the root, and below enabled nodes that translate no addresses.
struct Physical<'a> {
    levels: [Option<Children<'a>>; DEPTH],
    depth: usize,
}

impl<'a> Iterator for Physical<'a> {
    type Item = FdtNode<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let level = self.depth.checked_sub(1)?;
            let Some(node) = self.levels[level].as_mut().and_then(Iterator::next) else {
                self.depth = level;
                continue;
            };
            let ranges = node.property("ranges");
            let is_bus = ranges.is_some_and(|ranges| ranges.value().is_empty());
            if is_bus && is_enabled(&node) && self.depth < DEPTH {
                self.levels[self.depth] = Some(node.children());
                self.depth += 1;
            }
            return Some(node);
        }
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
    let kind = node.property("device_type");
    kind.is_some_and(|kind| kind.value() == b"memory\0") && is_enabled(node)
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

/// Those that are not empty.
fn regions(node: FdtNode<'_>) -> impl Iterator<Item = Region> + use<'_> {
    let reg = node.reg().ok().flatten().into_iter().flatten();
    reg.filter_map(region)
        .filter(|region| region.last().is_some())
}

fn region(reg: Reg<'_>) -> Option<Region> {
    Some(Region {
        base: cells(reg.address)?,
        len: cells(reg.size)?,
    })
}

/// A number of at least one cell; of more than two, the first are zero.
fn cells(cells: Cells<'_>) -> Option<u64> {
    let cells = cells.as_ref();
    let high = cells.len().checked_sub(1)?.saturating_sub(1);
    if cells.iter().take(high).any(|cell| cell.get() != 0) {
        return None;
    }
    let low = cells.iter().skip(high);
    Some(low.fold(0, |number, cell| number << 32 | u64::from(cell.get())))
}

/// The value of a property, without the zero at its end.
fn string<'a>(node: &FdtNode<'a>, property: &str) -> Option<&'a [u8]> {
    let value: &[u8] = node.property(property)?.value_as().ok()?;
    Some(value.strip_suffix(&[0]).unwrap_or(value))
}

fn number(node: &FdtNode<'_>, property: &str) -> Option<u32> {
    node.property(property)?.value_as().ok()
}
