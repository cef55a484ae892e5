//! Device trees, made node by node.

use std::collections::BTreeMap;

/// A node: its name, its properties, its children.
#[derive(Default)]
pub(super) struct Node {
    properties: BTreeMap<&'static str, Vec<u8>>,
    children: Vec<(String, Node)>,
}

impl Node {
    pub(super) fn with(mut self, name: &'static str, value: &[u8]) -> Self {
        self.properties.insert(name, value.to_vec());
        self
    }

    pub(super) fn child(mut self, name: &str, node: Node) -> Self {
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
    pub(super) fn blob(&self) -> Vec<u8> {
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

pub(super) fn numbers(list: &[u64]) -> Vec<u8> {
    list.iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

pub(super) fn root() -> Node {
    let two = 2_u32.to_be_bytes();
    Node::default()
        .with("#address-cells", &two)
        .with("#size-cells", &two)
}

pub(super) fn pmem(reg: &[u64]) -> Node {
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
