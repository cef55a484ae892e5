//! The first and only file system of a booted Linux: a shell, what it does, and some files.

use super::kernel::Kernel;
use anyhow::Result;
use cpio::newc::{Builder, trailer};
use std::io::Write;

const PROGRAM: u32 = 0o100_755;
const DIRECTORY: u32 = 0o040_755;

/// Folders that are there.
const FOLDERS: [&str; 6] = ["bin", "dev", "files", "modules", "proc", "sys"];

/// An archive in the making.
#[derive(Debug)]
pub struct Initramfs {
    archive: Vec<u8>,
}

impl Initramfs {
    /// The shell script `init` is the first process. `modules` of the kernel are in `/modules`, and
    /// sort in the order in which they are given.
    pub fn new(kernel: &Kernel, init: &str, modules: &[&str]) -> Result<Self> {
        let mut made = Self {
            archive: Vec::new(),
        };
        for name in FOLDERS {
            made.add(name, DIRECTORY, &[])?;
        }
        made.add("init", PROGRAM, init.as_bytes())?;
        made.add("bin/busybox", PROGRAM, &kernel.busybox()?)?;
        for (order, module) in modules.iter().enumerate() {
            let content = kernel.module(module)?;
            made.add(&format!("modules/{order:02}.ko"), PROGRAM, &content)?;
        }
        Ok(made)
    }

    /// With a file in `/files`, which may be executed.
    pub fn with(mut self, name: &str, content: &[u8]) -> Result<Self> {
        self.add(&format!("files/{name}"), PROGRAM, content)?;
        Ok(self)
    }

    /// The whole archive.
    pub fn archive(self) -> Result<Vec<u8>> {
        Ok(trailer(self.archive)?)
    }

    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        let file = Builder::new(name).mode(mode);
        let mut writer = file.write(&mut self.archive, u32::try_from(content.len())?);
        writer.write_all(content)?;
        writer.finish()?;
        Ok(())
    }
}
