//! The first and only file system of a booted Linux: a shell, what it does, and some files.

use super::{
    kernel::Kernel,
    tree::{MERGED, Node, Tree},
};
use anyhow::Result;

/// Folders that are there.
const FOLDERS: [&str; 11] = [
    "dev",
    "files",
    "modules",
    "pmem",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/sbin",
    "usr/lib64",
];

/// One in the making.
#[derive(Debug)]
pub struct Initramfs {
    tree: Tree,
}

impl Initramfs {
    /// The shell script `init` is the first process. `modules` of the kernel are in `/modules`, and
    /// sort in the order in which they are given.
    pub fn new(kernel: &Kernel, init: &str, modules: &[&str]) -> Result<Self> {
        let mut made = Self::bare(kernel, init)?;
        for (order, module) in modules.iter().enumerate() {
            made = made.with_module(order, kernel.module(module)?);
        }
        Ok(made)
    }

    /// Without modules.
    pub fn bare(kernel: &Kernel, init: &str) -> Result<Self> {
        let mut tree = Tree::default();
        for name in FOLDERS {
            tree.add(name, Node::Folder);
        }
        for name in MERGED {
            tree.add(name, Node::Link(format!("usr/{name}")));
        }
        tree.add("init", Node::Bytes(init.as_bytes().to_vec()));
        let namespaces = include_str!("guest/namespaces.sh");
        tree.add("namespaces", Node::Bytes(namespaces.as_bytes().to_vec()));
        tree.add("bin/busybox", Node::Bytes(kernel.busybox()?));
        Ok(Self { tree })
    }

    /// With a module, the one at this place in the order.
    pub fn with_module(mut self, order: usize, content: Vec<u8>) -> Self {
        let path = format!("modules/{order:02}.ko");
        self.tree.add(&path, Node::Bytes(content));
        self
    }

    /// With a file in `/files`, which may be executed.
    pub fn with(mut self, name: &str, content: &[u8]) -> Self {
        let path = format!("files/{name}");
        self.tree.add(&path, Node::Bytes(content.to_vec()));
        self
    }

    /// With all that is in `other`, too.
    pub fn with_tree(mut self, other: &Tree) -> Self {
        for (path, node) in other.iter() {
            self.tree.add(path, node.clone());
        }
        self
    }

    /// The whole archive.
    pub fn archive(self) -> Result<Vec<u8>> {
        self.tree.archive()
    }
}
