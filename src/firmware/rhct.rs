//! The RISC-V Hart Capabilities Table (ACPI 6.6, section 5.2.37): what each hart can do, and the
//! block sizes of its cache-block instructions.

use crate::firmware::{
    CacheBlocks, Error,
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
    /// Its ISA string, such as `rv64imac_zicbom`.
    pub isa: Option<&'a [u8]>,
    /// Its cache-block sizes.
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
        let rhct = Self {
            table,
            nodes: Records::new(Head::Wide, table.from(nodes)?),
        };
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
        for node in offsets(bytes)?.filter_map(|offset| self.node(offset)) {
            match node.kind {
                ISA => hart.isa = Some(isa(node.bytes)?),
                CMO => hart.blocks = Some(blocks(node.bytes)?),
                _ => {}
            }
        }
        Ok(hart)
    }

    /// The block sizes by which every hart cleans and zeroes, where all have the instructions and
    /// agree.
    #[must_use]
    pub fn cache_blocks(&self) -> CacheBlocks {
        harts::common(self.harts().map(|hart| {
            let has = |name: &[u8]| hart.isa.is_some_and(|isa| harts::has_extension(isa, name));
            let blocks = hart.blocks;
            CacheBlocks {
                clean: blocks.filter(|_| has(b"zicbom")).map(|blocks| blocks.clean),
                zero: blocks.filter(|_| has(b"zicboz")).map(|blocks| blocks.zero),
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
