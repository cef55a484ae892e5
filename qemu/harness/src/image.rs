//! The file behind the emulated NVDIMM: what a power cut leaves behind.

use anyhow::{Context, Result};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::FileExt,
    },
    path::{Path, PathBuf},
};

/// The default size. Big enough that a demo seldom fills its log.
pub const DEFAULT_SIZE: u64 = 64 << 20;

/// The contents of one NVDIMM, kept over boots.
#[derive(Debug)]
pub struct Image {
    file: File,
    size: u64,
}

impl Image {
    /// A fresh image full of zeroes, in memory where possible: `dc cvap` under QEMU is an `msync`
    /// of the file, which a disk would make slow. It has no name, so it goes when the last process
    /// that uses it ends, however that ends.
    pub fn fresh(size: u64) -> Result<Self> {
        let shm = Path::new("/dev/shm");
        let file = tempfile::tempfile_in(shm)
            .or_else(|_| tempfile::tempfile())
            .context("cannot make a backing file for the NVDIMM in /dev/shm or the temp dir")?;
        Self::sized(file, size)
    }

    /// The image in a named file, made if it isn't there.
    pub fn open(path: &Path, size: u64) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("cannot open the NVDIMM image {}", path.display()))?;
        let size = match file.metadata()?.len() {
            0 => size,
            length => length,
        };
        Self::sized(file, size)
    }

    fn sized(file: File, size: u64) -> Result<Self> {
        file.set_len(size)
            .with_context(|| format!("cannot make the NVDIMM {size} bytes long"))?;
        Ok(Self { file, size })
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The open file, to be inherited by QEMU.
    pub(crate) fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// The path under which a process that inherited the file finds it.
    pub(crate) fn inherited_path(&self) -> String {
        format!("/proc/self/fd/{}", self.fd())
    }

    /// Reads `buffer.len()` bytes at `offset`.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// The whole contents.
    pub fn contents(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.size)?];
        self.read_at(&mut bytes, 0)
            .context("cannot read the NVDIMM image back")?;
        Ok(bytes)
    }

    /// Keeps a copy for a person to look at, for instance after data was lost.
    pub fn save(&self, path: &Path) -> Result<PathBuf> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, self.contents()?)
            .with_context(|| format!("cannot keep the image in {}", path.display()))?;
        Ok(path.to_owned())
    }
}
