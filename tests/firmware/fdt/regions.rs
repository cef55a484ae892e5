//! Ranges of memory, as nodes of all kinds give them.

use super::build::{Node, numbers, pmem, root};
use kpmem::firmware::{Error, fdt::DeviceTree};

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
