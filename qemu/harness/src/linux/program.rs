//! The program that a guest runs: where it is, and what it needs.

use super::{
    files::Given,
    kernel::Kernel,
    libraries::{Libraries, is_elf},
    tree::{Node, Tree, settled},
};
use crate::arch::Arch;
use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

/// Where programs are looked for by their names.
const FOLDERS: [&str; 5] = ["usr/local/bin", "usr/sbin", "usr/bin", "usr/games", "files"];

/// Shells in whose place busybox's does.
const SHELLS: [&str; 4] = ["sh", "ash", "dash", "bash"];

/// Finds programs for a guest, and puts into it what is of this machine.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    pub(super) arch: Arch,
    pub(super) kernel: &'a Kernel,
    /// The guest's files.
    pub(super) tree: &'a mut Tree,
}

impl Finder<'_> {
    /// Adds a file of this machine, with its libraries if it is a program.
    pub(super) fn file(&mut self, given: &Given) -> Result<()> {
        given.add_to(self.tree)?;
        if given.host.is_file() && is_elf(&self.tree.read(&given.guest)?) {
            self.libraries(&given.guest, Some(&given.host))?;
        }
        Ok(())
    }

    /// The words by which the guest runs the program `word`.
    pub(super) fn program(&mut self, word: &str) -> Result<Vec<String>> {
        let mut own = None;
        let path = if let Some(path) = self.in_guest(word) {
            path
        } else if !word.contains('/') {
            if self.is_tool(word)? {
                return Ok(vec![word.to_owned()]);
            }
            bail!(
                "{word} is no program in the packages that were asked for, and no tool of busybox \
                 (a file of this machine has a slash in its name: ./{word})"
            );
        } else {
            let file = Path::new(word);
            if !file.is_file() {
                bail!("there is no program {word}, here or in the packages that were asked for");
            }
            let name = file.file_name().unwrap_or_default();
            let path = format!("files/{}", name.to_string_lossy());
            let bytes = fs::read(file).with_context(|| format!("cannot read {word}"))?;
            self.tree.add(&path, Node::Bytes(bytes));
            own = Some(file);
            path
        };
        let bytes = self.tree.read(&path)?;
        let command = format!("/{path}");
        if is_elf(&bytes) {
            self.libraries(&command, own)?;
            return Ok(vec![command]);
        }
        match bytes.strip_prefix(b"#!") {
            Some(script) => self.script(word, command, script),
            None => bail!("{word} is neither an ELF program nor a script that begins with #!"),
        }
    }

    /// A path or a name, as far as it is in the guest.
    fn in_guest(&self, word: &str) -> Option<String> {
        if word.starts_with('/') {
            return self.tree.resolve(word).map(|_| settled(word));
        }
        if word.contains('/') {
            return None;
        }
        let mut places = FOLDERS.iter().map(|folder| format!("{folder}/{word}"));
        places.find(|place| self.tree.resolve(place).is_some())
    }

    /// The first line says who reads the script.
    fn script(&mut self, word: &str, command: String, script: &[u8]) -> Result<Vec<String>> {
        let line = script.split(|byte| *byte == b'\n').next();
        let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
        let mut words = line.split_whitespace();
        let mut reader = words.next().unwrap_or_default();
        let mut name = reader.rsplit('/').next().unwrap_or_default();
        if name == "env" {
            reader = words.next().unwrap_or_default();
            name = reader;
        }
        if self.in_guest(reader).is_none() && SHELLS.contains(&name) {
            return Ok(vec!["sh".to_owned(), command]);
        }
        let mut reading = match self.in_guest(reader) {
            Some(_) => self.program(reader)?,
            None => {
                bail!("{word} is a script for {reader}, which is in no package that was asked for")
            }
        };
        reading.extend(words.map(str::to_owned));
        reading.push(command);
        Ok(reading)
    }

    /// Whether busybox knows a tool by this name: its names are in it, each between zeroes.
    fn is_tool(&self, word: &str) -> Result<bool> {
        let name = [b"\0", word.as_bytes(), b"\0"].concat();
        let busybox = self.kernel.busybox()?;
        Ok(!word.is_empty() && busybox.windows(name.len()).any(|bytes| bytes == name))
    }

    /// A file that is of this machine may have its libraries, if it is for such a machine.
    fn libraries(&mut self, path: &str, own: Option<&Path>) -> Result<()> {
        let libraries = Libraries {
            arch: self.arch,
            host: own.is_some() && Arch::host() == Some(self.arch),
        };
        libraries.bring(self.tree, path, own.and_then(Path::parent))
    }
}
