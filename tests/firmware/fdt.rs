use crate::damage::each_byte;
use kpmem::firmware::{CacheBlocks, Error, Region, fdt::DeviceTree};
use std::collections::BTreeMap;

/// Of QEMU's `virt` machine: with Zicbom (128-byte blocks), without, and with a memory node that
/// stands in for an NVDIMM.
pub const ZICBOM: &[u8] = include_bytes!("../data/firmware/virt-riscv64-128.dtb");
const NO_ZICBOM: &[u8] = include_bytes!("../data/firmware/virt-riscv64-none.dtb");
const NODES: &[u8] = include_bytes!("../data/firmware/virt-riscv64-nodes.dtb");

/// A node: its name, its properties, its children.
#[derive(Default)]
struct Node {
    properties: BTreeMap<&'static str, Vec<u8>>,
    children: Vec<(String, Node)>,
}

impl Node {
    fn with(mut self, name: &'static str, value: &[u8]) -> Self {
        self.properties.insert(name, value.to_vec());
        self
    }

    fn child(mut self, name: &str, node: Node) -> Self {
        self.children.push((name.to_owned(), node));
        self
    }

    fn write(&self, name: &str, structure: &mut Vec<u8>, strings: &mut Vec<u8>) {
        let word = |structure: &mut Vec<u8>, word: u32| structure.extend(word.to_be_bytes());
        let text = |structure: &mut Vec<u8>, text: &[u8]| {
            structure.extend(text);
            structure.resize(structure.len().next_multiple_of(4), 0);
        };
        word(structure, 1);
        text(structure, &[name.as_bytes(), &[0]].concat());
        for (name, value) in &self.properties {
            word(structure, 3);
            word(structure, value.len() as u32);
            word(structure, strings.len() as u32);
            strings.extend([name.as_bytes(), &[0]].concat());
            text(structure, value);
        }
        for (name, child) in &self.children {
            child.write(name, structure, strings);
        }
        word(structure, 2);
    }

    /// The tree with this node as its root.
    fn blob(&self) -> Vec<u8> {
        let (mut structure, mut strings) = (Vec::new(), Vec::new());
        self.write("", &mut structure, &mut strings);
        structure.extend(9_u32.to_be_bytes());
        let first = 40 + 16;
        let total = first + structure.len() + strings.len();
        let header = [
            0xd00d_feed,
            total,
            first,
            first + structure.len(),
            40,
            17,
            16,
            0,
            strings.len(),
            structure.len(),
        ];
        let mut blob: Vec<u8> = header
            .iter()
            .flat_map(|word| (*word as u32).to_be_bytes())
            .collect();
        blob.extend([0; 16]);
        blob.extend(structure);
        blob.extend(strings);
        blob
    }
}

fn numbers(list: &[u64]) -> Vec<u8> {
    list.iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

fn root() -> Node {
    let two = 2_u32.to_be_bytes();
    Node::default()
        .with("#address-cells", &two)
        .with("#size-cells", &two)
}

fn pmem(reg: &[u64]) -> Node {
    Node::default()
        .with("compatible", b"pmem-region\0")
        .with("reg", &numbers(reg))
}

/// A tree of `pmem-region` nodes: name, reg, and whether it is volatile.
pub fn tree(nodes: &[(&str, &[u64], bool)]) -> Vec<u8> {
    let nodes = nodes.iter().map(|(name, reg, volatile)| {
        let node = pmem(reg);
        (
            *name,
            if *volatile {
                node.with("volatile", b"")
            } else {
                node
            },
        )
    });
    nodes
        .fold(root(), |root, (name, node)| root.child(name, node))
        .blob()
}

/// Base, length, whether it is volatile, proximity domain.
type Pmem = (u64, u64, bool, Option<u32>);

fn parse(root: Node) -> Result<Vec<Pmem>, Error> {
    let blob = root.blob();
    let regions = DeviceTree::parse(&blob)?.pmem_regions();
    Ok(regions
        .map(|it| (it.region.base, it.region.len, it.volatile, it.domain))
        .collect())
}

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
fn pmem_regions() {
    let found = parse(
        root()
            .child("pmem@1", pmem(&[0x1000, 0x1000, 0x3000, 0x1000]))
            .child("pmem@2", pmem(&[0x5000, 0x1000]).with("volatile", b""))
            .child(
                "pmem@3",
                pmem(&[0x6000, 0x1000]).with("numa-node-id", &2_u32.to_be_bytes()),
            )
            .child(
                "pmem@4",
                pmem(&[0x7000, 0x1000]).with("status", b"disabled\0"),
            )
            .child("pmem@5", pmem(&[0x8000, 0x1000]).with("status", b"okay\0"))
            .child(
                "pmem@6",
                pmem(&[0x9000, 0x1000]).with("compatible", b"x\0pmem-region\0"),
            )
            .child(
                "pmem@7",
                pmem(&[0xa000, 0x1000]).with("compatible", b"pmem-regions\0"),
            ),
    );
    let expected = vec![
        (0x1000, 0x1000, false, None),
        (0x3000, 0x1000, false, None),
        (0x5000, 0x1000, true, None),
        (0x6000, 0x1000, false, Some(2)),
        (0x8000, 0x1000, false, None),
        (0x9000, 0x1000, false, None),
    ];
    assert_eq!(found, Ok(expected));
}

#[test]
fn buses() {
    let one = Ok(vec![(0x1000, 0x1000, false, None)]);
    let bus = |ranges: Option<&[u8]>| {
        let bus = root().child("pmem@1", pmem(&[0x1000, 0x1000]));
        ranges.map_or(root().child("pmem@1", pmem(&[0x1000, 0x1000])), |it| {
            bus.with("ranges", it)
        })
    };
    let below = |bus: Node| parse(root().child("soc", bus));
    assert_eq!(below(bus(Some(b""))), one);
    let deep = root().with("ranges", b"").child("bus", bus(Some(b"")));
    assert_eq!(below(deep), one);
    // What is off, translates, or does not say that its addresses are physical.
    assert_eq!(
        below(bus(Some(b"")).with("status", b"disabled\0")),
        Ok(vec![])
    );
    assert_eq!(below(bus(Some(&numbers(&[0, 0, 0x1000])))), Ok(vec![]));
    assert_eq!(below(bus(None)), Ok(vec![]));
    // No deeper than a machine is.
    let nested = (0..20).fold(bus(Some(b"")), |bus, _| {
        root().with("ranges", b"").child("bus", bus)
    });
    assert_eq!(below(nested), Ok(vec![]));
}

#[test]
fn numbers_of_any_length() {
    let cells = |cells: u32, reg: &[u32]| {
        let reg: Vec<u8> = reg.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        let node = Node::default()
            .with("compatible", b"pmem-region\0")
            .with("reg", &reg);
        let root = Node::default()
            .with("#address-cells", &cells.to_be_bytes())
            .with("#size-cells", &cells.to_be_bytes());
        parse(root.child("pmem@1", node))
    };
    let one = Ok(vec![(0x1000, 0x2000, false, None)]);
    assert_eq!(cells(1, &[0x1000, 0x2000]), one);
    assert_eq!(cells(2, &[0, 0x1000, 0, 0x2000]), one);
    assert_eq!(cells(3, &[0, 0, 0x1000, 0, 0, 0x2000]), one);
    assert!(cells(3, &[1, 0, 0x1000, 0, 0, 0x2000]).is_err());
    let high = Ok(vec![(0x1_0000_0000, 0x2000, false, None)]);
    assert_eq!(cells(2, &[1, 0, 0, 0x2000]), high);
}

#[test]
fn memory_nodes_are_not_refused() {
    let memory = |reg: Option<&[u64]>| {
        let node = Node::default().with("device_type", b"memory\0");
        let node = reg.map_or(Node::default(), |reg| node.with("reg", &numbers(reg)));
        let blob = root().child("ram@0", node).blob();
        let tree = DeviceTree::parse(&blob).unwrap();
        tree.memory()
            .map(|region| (region.base, region.len))
            .collect::<Vec<_>>()
    };
    assert_eq!(memory(Some(&[0, 0x1000, 0x5000, 0])), [(0, 0x1000)]);
    assert_eq!(memory(Some(&[u64::MAX, 2])), []);
    assert_eq!(memory(Some(&[0])), []);
    assert_eq!(memory(None), []);
}

#[test]
fn more_ranges_than_a_machine_has_are_refused() {
    let reg = |count: u64| {
        (0..count)
            .flat_map(|at| [at << 12, 1 << 12])
            .collect::<Vec<_>>()
    };
    assert_eq!(
        parse(root().child("pmem@1", pmem(&reg(512))))
            .unwrap()
            .len(),
        512
    );
    let many = Error::TooMany { most: 512 };
    assert_eq!(parse(root().child("pmem@1", pmem(&reg(513)))), Err(many));
}

#[test]
fn malformed_regs() {
    let reg = Error::Tree {
        problem: "the reg of a node is no list of addresses and lengths of up to 64 bits",
    };
    let bad = |node: Node| parse(root().child("pmem@1", node));
    assert_eq!(bad(pmem(&[0x1000])), Err(reg));
    assert_eq!(bad(pmem(&[0x1000, 0])), Err(reg));
    assert_eq!(bad(pmem(&[u64::MAX, 2])), Err(reg));
    assert_eq!(
        bad(Node::default().with("compatible", b"pmem-region\0")),
        Err(reg)
    );
    assert_eq!(bad(pmem(&[])), Err(reg));
    let three = 3_u32.to_be_bytes();
    let wide = root().with("#address-cells", &three);
    assert_eq!(
        parse(wide.child("pmem@1", pmem(&[0, 0x1000, 0, 0x1000, 0]))),
        Err(reg)
    );
    let wide = root().with("#size-cells", &three);
    assert_eq!(
        parse(wide.child("pmem@1", pmem(&[0, 0x1000, 0, 0x1000, 0]))),
        Err(reg)
    );
    let none = 0_u32.to_be_bytes();
    let cells = root()
        .with("#address-cells", &none)
        .with("#size-cells", &none);
    assert!(parse(cells.child("pmem@1", pmem(&[0x1000, 0x1000]))).is_err());
    let overlap = Error::Tree {
        problem: "two pmem-region nodes have bytes in common",
    };
    let two = root()
        .child("pmem@1", pmem(&[0x1000, 0x1000]))
        .child("pmem@2", pmem(&[0x1fff, 0x1000]));
    assert_eq!(parse(two), Err(overlap));
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
