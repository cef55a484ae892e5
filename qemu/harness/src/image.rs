//! The file behind the emulated NVDIMM: what a power cut leaves behind.

use anyhow::{Context, Result};
use rustix::{
    fs::{SeekFrom, seek},
    io::Errno,
};
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

    /// Bytes that a machine reads and that are gone with the last process that uses them: an image
    /// like any other.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        let image = Self::fresh(u64::try_from(bytes.len())?)?;
        image.file.write_all_at(bytes, 0).with_context(|| {
            format!(
                "no room for {} bytes in /dev/shm or the temp dir",
                bytes.len()
            )
        })?;
        Ok(image)
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

    /// Copies what was written here into `other`, from `offset` on. Holes are left alone.
    pub fn copy_to(&self, other: &Self, offset: u64) -> Result<()> {
        let mut buffer = vec![0; 1 << 20];
        let mut at = 0;
        while let Some((start, end)) = self.data_from(at)? {
            at = start;
            while at < end {
                let step =
                    usize::try_from(end - at).map_or(buffer.len(), |it| it.min(buffer.len()));
                self.read_at(&mut buffer[..step], at)?;
                other
                    .file
                    .write_all_at(&buffer[..step], offset + at)
                    .context("no room for the NVDIMM in /dev/shm or the temp dir")?;
                at += step as u64;
            }
        }
        Ok(())
    }

    /// The first part at `at` or behind that is no hole.
    fn data_from(&self, at: u64) -> Result<Option<(u64, u64)>> {
        let start = match seek(&self.file, SeekFrom::Data(at)) {
            Err(Errno::NXIO) => return Ok(None),
            start => start?,
        };
        Ok(Some((start, seek(&self.file, SeekFrom::Hole(start))?)))
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
