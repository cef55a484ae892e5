//! A file system in the making: what is at which path, as Debian lays it out today.
//!
//! `/bin`, `/sbin` and `/lib*` are links into `/usr` there, whether a package knows it or not.

use anyhow::{Context, Result, bail};
use cpio::newc::{Builder, trailer};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Folders that are links into `usr`.
pub const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// How many links lead to a file at most, as in Linux.
const LINKS: usize = 40;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A file with the content and the permissions of this one.
    File(PathBuf),
    /// A program with this content.
    Bytes(Vec<u8>),
    /// A symbolic link.
    Link(String),
    /// A folder, which needs no mention if there is something in it.
    Folder,
}

/// All of it, by paths without a slash in front.
#[derive(Clone, Debug, Default)]
pub struct Tree(BTreeMap<String, Node>);

/// A path as it is kept here: from the root, without `.` and `..`, through the links into `usr`.
pub fn settled(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.len() > 1 && MERGED.contains(&parts[0]) {
        parts.insert(0, "usr");
    }
    parts.join("/")
}

impl Tree {
    /// Puts something there, in the place of what was there.
    pub fn add(&mut self, path: &str, node: Node) {
        self.0.insert(settled(path), node);
    }

    /// Forgets the paths that are not `wanted`.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|path, _| wanted(path));
    }

    /// Everything in a folder of this machine goes below `path`.
    pub fn add_folder(&mut self, path: &str, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder);
        let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let at = format!("{path}/{}", name.to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.add_folder(&at, &entry.path())?;
                let linked = settled(&at);
                if !MERGED.contains(&linked.as_str()) {
                    self.0.entry(linked).or_insert(Node::Folder);
                }
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path())?;
                self.add(&at, Node::Link(target.to_string_lossy().into_owned()));
            } else if kind.is_file() {
                self.add(&at, Node::File(entry.path()));
            }
        }
        Ok(())
    }

    /// The path of the file or folder that is found at `path`, whatever links lead to it.
    pub fn resolve(&self, path: &str) -> Option<String> {
        let mut path = settled(path);
        for _ in 0..LINKS {
            match self.link_in(&path) {
                Some(further) => path = further,
                None => return self.0.contains_key(&path).then_some(path),
            }
        }
        None
    }

    /// With the first link in it replaced by where that leads.
    fn link_in(&self, path: &str) -> Option<String> {
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            let (front, rest) = path.split_at(end);
            if let Some(Node::Link(target)) = self.0.get(front) {
                let folder = front.rsplit_once('/').map_or("", |(folder, _)| folder);
                let base = if target.starts_with('/') { "" } else { folder };
                return Some(settled(&format!("{base}/{target}/{rest}")));
            }
        }
        None
    }

    /// The bytes of the file to which `path` leads.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let place = self.resolve(path);
        match place.and_then(|place| self.0.get(&place)) {
            Some(Node::File(file)) => {
                fs::read(file).with_context(|| format!("cannot read {}", file.display()))
            }
            Some(Node::Bytes(bytes)) => Ok(bytes.clone()),
            _ => bail!("{path} is not a file"),
        }
    }

    /// All paths and what is there.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// As an archive that Linux unpacks into its first file system.
    pub fn archive(&self) -> Result<Vec<u8>> {
        let mut archive = Vec::new();
        let mut folders = BTreeSet::new();
        for (path, node) in self.iter() {
            for (end, _) in path.match_indices('/') {
                if folders.insert(&path[..end]) {
                    entry(&mut archive, &path[..end], 0o040_755, &[])?;
                }
            }
            match node {
                Node::File(file) => {
                    let why = || format!("cannot read {}", file.display());
                    let content = fs::read(file).with_context(why)?;
                    let mode = file.metadata().with_context(why)?.permissions().mode();
                    entry(&mut archive, path, 0o100_000 | mode & 0o7777, &content)?;
                }
                Node::Bytes(bytes) => entry(&mut archive, path, 0o100_755, bytes)?,
                Node::Link(target) => entry(&mut archive, path, 0o120_777, target.as_bytes())?,
                Node::Folder => {
                    if folders.insert(path) {
                        entry(&mut archive, path, 0o040_755, &[])?;
                    }
                }
            }
        }
        Ok(trailer(archive)?)
    }
}

fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, content: &[u8]) -> Result<()> {
    let length = u32::try_from(content.len());
    let length = length.with_context(|| format!("{name} is too large for an initramfs"))?;
    let mut writer = Builder::new(name).mode(mode).write(archive, length);
    writer.write_all(content)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
