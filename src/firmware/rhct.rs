//! The RISC-V Hart Capabilities Table (ACPI 6.6, section 5.2.37): what each hart can do, and the
//! block sizes of its cache-block instructions.
//!
//! ```
//! use kpmem::firmware::{Error, rhct::{Blocks, Hart, Rhct}};
//!
//! /// The block size by which each hart cleans, and what all have in common.
//! fn sizes(table: &[u8]) -> Result<(Vec<Option<usize>>, Option<usize>), Error> {
//!     let rhct = Rhct::parse(table)?;
//!     let clean = |hart: Hart<'_>| hart.blocks.map(|Blocks { clean, .. }| clean);
//!     Ok((rhct.harts().map(clean).collect(), rhct.cache_blocks().clean))
//! }
//!
//! /// Nanoseconds of a tick of the `time` counter.
//! fn tick(rhct: &Rhct<'_>) -> u64 {
//!     1_000_000_000 / rhct.time_base().max(1)
//! }
//!
//! assert!(sizes(b"no table").is_err());
//! ```

use crate::firmware::{
    CacheBlocks, Error, MOST_STRUCTURES,
    bytes::{Bytes, u32s},
    harts,
    records::{Head, Record, Records},
    table,
};

/// Length of the table's fields before its nodes, in bytes.
const FIXED: usize = 56;
const ISA: u16 = 0;
const CMO: u16 = 1;
const HART: u16 = 0xffff;

/// A checked RHCT.
#[derive(Clone, Debug)]
pub struct Rhct<'a> {
    table: Bytes<'a>,
    nodes: Records<'a>,
}

/// What the table says of one hart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hart<'a> {
    /// Its `_UID` in ACPI's name space.
    pub uid: u32,
    /// Its ISA string, such as `rv64imac_zicbom`: the first, if it has several.
    pub isa: Option<&'a [u8]>,
    /// Its cache-block sizes: the first, if it has several.
    pub blocks: Option<Blocks>,
}

/// The sizes in bytes of the blocks of one hart's cache-block instructions ("CMO Extension Node").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Of `cbo.clean`, `cbo.flush` and `cbo.inval`.
    pub clean: usize,
    /// Of `prefetch`.
    pub prefetch: usize,
    /// Of `cbo.zero`.
    pub zero: usize,
}

impl<'a> Rhct<'a> {
    /// Checks a whole table, from its header on: its sum, each node's length and fields, and that
    /// what harts refer to are nodes.
    ///
    /// # Errors
    /// What is malformed, and at which offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let table = table::parse(bytes, "RHCT")?;
        table.at_least(FIXED)?;
        let nodes = table.u32(52)? as usize;
        if nodes < FIXED {
            return Err(table.impossible("offset of its nodes", nodes as u64));
        }
        let count = table.u32(48)? as usize;
        if count > MOST_STRUCTURES {
            return Err(Error::TooMany {
                most: MOST_STRUCTURES,
            });
        }
        let mut rhct = Self {
            table,
            nodes: Records::new(Head::Wide, table.from(nodes)?),
        };
        rhct.nodes = rhct.nodes.first(count)?;
        for node in rhct.nodes.clone() {
            rhct.check(node?)?;
        }
        Ok(rhct)
    }

    fn check(&self, node: Record<'a>) -> Result<(), Error> {
        match node.kind {
            ISA => isa(node.bytes).map(drop),
            CMO => blocks(node.bytes).map(drop),
            HART => {
                for offset in offsets(node.bytes)? {
                    self.node(offset).ok_or(Error::Dangling {
                        offset: node.bytes.offset,
                        what: "the node at offset",
                        number: offset,
                    })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The node at an offset of the table.
    fn node(&self, offset: u32) -> Option<Record<'a>> {
        let mut nodes = self.nodes.clone().filter_map(Result::ok);
        nodes.find(|node| node.bytes.offset == offset as usize)
    }

    /// Ticks of the `time` counter in a second.
    #[must_use]
    pub fn time_base(&self) -> u64 {
        self.table.u64(40).unwrap_or_default()
    }

    /// The harts, in order.
    pub fn harts(&self) -> impl Iterator<Item = Hart<'a>> + use<'a> {
        let this = self.clone();
        let nodes = this.nodes.clone().filter_map(Result::ok);
        nodes
            .filter(|node| node.kind == HART)
            .filter_map(move |node| this.hart(node.bytes).ok())
    }

    fn hart(&self, bytes: Bytes<'a>) -> Result<Hart<'a>, Error> {
        let mut hart = Hart {
            uid: bytes.u32(8)?,
            isa: None,
            blocks: None,
        };
        for node in self.nodes_of(bytes) {
            match node.kind {
                ISA => hart.isa = hart.isa.or(Some(isa(node.bytes)?)),
                CMO => hart.blocks = hart.blocks.or(Some(blocks(node.bytes)?)),
                _ => {}
            }
        }
        Ok(hart)
    }

    /// The nodes that a hart's node refers to.
    fn nodes_of(&self, hart: Bytes<'a>) -> impl Iterator<Item = Record<'a>> + use<'_, 'a> {
        let offsets = offsets(hart).ok().into_iter().flatten();
        offsets.filter_map(|offset| self.node(offset))
    }

    /// The block sizes by which every hart cleans and zeroes, where all have the instructions and
    /// agree.
    #[must_use]
    pub fn cache_blocks(&self) -> CacheBlocks {
        let nodes = self.nodes.clone().filter_map(Result::ok);
        let harts = nodes.filter(|node| node.kind == HART);
        harts::common(harts.map(|hart| {
            let isas = || self.nodes_of(hart.bytes).filter(|node| node.kind == ISA);
            let has = |name: &[u8]| {
                let mut isas = isas().filter_map(|node| isa(node.bytes).ok());
                isas.any(|isa| harts::has_extension(isa, name))
            };
            let cmos = self.nodes_of(hart.bytes).filter(|node| node.kind == CMO);
            let each = harts::common(cmos.filter_map(|node| blocks(node.bytes).ok()).map(
                |blocks| CacheBlocks {
                    clean: Some(blocks.clean),
                    zero: Some(blocks.zero),
                },
            ));
            CacheBlocks {
                clean: each.clean.filter(|_| has(b"zicbom")),
                zero: each.zero.filter(|_| has(b"zicboz")),
            }
        }))
    }
}

/// The string, without its end.
fn isa(bytes: Bytes<'_>) -> Result<&[u8], Error> {
    let string = bytes.part(8, bytes.u16(6)?.into())?.bytes;
    Ok(string.split(|byte| *byte == 0).next().unwrap_or_default())
}

fn blocks(bytes: Bytes<'_>) -> Result<Blocks, Error> {
    let size = |at, field| match bytes.u8(at)? {
        power @ 0..=16 => Ok(1 << power),
        other => Err(bytes.impossible(field, other)),
    };
    Ok(Blocks {
        clean: size(7, "block size of cbo.clean")?,
        prefetch: size(8, "block size of prefetch")?,
        zero: size(9, "block size of cbo.zero")?,
    })
}

/// Where the nodes are that a hart's node refers to.
fn offsets(bytes: Bytes<'_>) -> Result<impl Iterator<Item = u32> + use<'_>, Error> {
    bytes.at_least(12)?;
    let count = usize::from(bytes.u16(6)?);
    Ok(u32s(bytes.part(12, 4 * count)?.bytes))
}
