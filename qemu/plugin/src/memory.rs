//! The guest's persistent memory, as QEMU maps it: the plugin maps the same file.

use std::{collections::BTreeSet, fs::File, io, ops::Range, path::Path};

use memmap2::MmapMut;
use rustix::fs::{SeekFrom, seek};

use crate::pages::PAGE;

/// Bytes at the end that the guest and the simulator talk through; see `kpmem_marks::MAILBOX`.
const MAILBOX: usize = kpmem_marks::MAILBOX;

/// The tracked memory, with the crash image that it should hold and what recovery wrote over it.
#[derive(Debug)]
pub struct Memory {
    file: File,
    map: MmapMut,
    base: u64,
    line: usize,
    /// What memory holds when a recovery starts.
    image: Vec<u8>,
    /// Lines that recovery stored to.
    touched: Vec<usize>,
    is_touched: Vec<bool>,
    /// Lines of the image that have changed since somebody asked, if anybody does.
    moved: Option<BTreeSet<usize>>,
}

impl Memory {
    pub fn open(path: &Path, base: u64, line: usize) -> Result<Self, String> {
        let open = || -> io::Result<(File, MmapMut)> {
            let file = File::options().read(true).write(true).open(path)?;
            // SAFETY: QEMU maps the file too, and the guest changes it; nothing here keeps a
            // reference across guest code, and no assumption is made of the content.
            let map = unsafe { MmapMut::map_mut(&file) }?;
            Ok((file, map))
        };
        let (file, map) = open().map_err(|e| format!("{}: {e}", path.display()))?;
        let whole = map.len().is_multiple_of(PAGE as usize);
        let tracked = map
            .len()
            .checked_sub(MAILBOX)
            .filter(|n| whole && *n >= line);
        let tracked = tracked.ok_or_else(|| {
            let (path, len) = (path.display(), map.len());
            format!("{path} has {len} bytes: not whole pages, or too small for a mailbox page and one line")
        })?;
        Ok(Self {
            file,
            map,
            base,
            line,
            image: Vec::new(),
            touched: Vec::new(),
            is_touched: vec![false; tracked / line],
            moved: None,
        })
    }

    /// Bytes that are tracked: all but the mailbox.
    pub fn len(&self) -> usize {
        self.map.len() - MAILBOX
    }

    /// Physical address of the first byte.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The tracked bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map[..self.len()]
    }

    /// The parts of the tracked bytes that were ever used: whole pages. A large NVDIMM is mostly
    /// holes, and to read those would fill them.
    pub fn used(&self) -> Vec<Range<usize>> {
        let mut used = Vec::new();
        let mut at = 0;
        while at < self.len() {
            let start = match seek(&self.file, SeekFrom::Data(at as u64)) {
                Ok(start) => start as usize,
                Err(rustix::io::Errno::NXIO) => break,
                // This file system does not tell.
                Err(_) => at,
            };
            let end = seek(&self.file, SeekFrom::Hole(start as u64));
            let end = end.map_or(self.len(), |end| end as usize).min(self.len());
            if start >= end {
                break;
            }
            used.push(start..end);
            at = end;
        }
        used
    }

    /// A copy of the tracked bytes, which takes room for the used parts.
    pub fn copy(&self) -> Vec<u8> {
        let mut copy = vec![0; self.len()];
        for part in self.used() {
            copy[part.clone()].copy_from_slice(&self.map[part]);
        }
        copy
    }

    /// Whole file, with the mailbox.
    pub fn file(&self) -> &[u8] {
        &self.map
    }

    /// What the file holds if recovery has stored nothing: the crash image, and the mailbox.
    pub fn image(&self) -> Vec<u8> {
        let mut file = self.image.clone();
        file.extend_from_slice(&self.map[self.len()..]);
        file
    }

    /// The crash image.
    pub fn held_all(&self) -> &[u8] {
        &self.image
    }

    /// Bytes of the crash image, which must all be tracked.
    pub fn held(&self, addr: u64, len: usize) -> &[u8] {
        let start = (addr - self.base) as usize;
        &self.image[start..start + len]
    }

    /// Physical address of the mailbox.
    pub fn mailbox_at(&self) -> u64 {
        self.base + self.len() as u64
    }

    /// Makes `image` what memory holds. It is a copy of memory: zero where that was never used.
    pub fn reset(&mut self, image: Vec<u8>) {
        self.moved = None;
        for part in self.used() {
            self.map[part.clone()].copy_from_slice(&image[part]);
        }
        self.image = image;
    }

    /// Changes the crash image.
    pub fn write(&mut self, addr: u64, bytes: &[u8]) {
        let start = (addr - self.base) as usize;
        let range = start..start + bytes.len();
        self.image[range.clone()].copy_from_slice(bytes);
        self.map[range].copy_from_slice(bytes);
        if let Some(moved) = &mut self.moved {
            moved.extend(start / self.line..(start + bytes.len()).div_ceil(self.line));
        }
    }

    /// The lines of the image that have changed since the last call, by address; `None` at first.
    pub fn moved(&mut self) -> Option<Vec<u64>> {
        let moved = self.moved.replace(BTreeSet::new())?;
        let addr = |line| self.base + (line * self.line) as u64;
        Some(moved.into_iter().map(addr).collect())
    }

    /// Notes that recovery stores to tracked bytes.
    pub fn touch(&mut self, addr: u64, len: usize) {
        let start = (addr - self.base) as usize;
        for line in start / self.line..(start + len).div_ceil(self.line) {
            if !std::mem::replace(&mut self.is_touched[line], true) {
                self.touched.push(line);
            }
        }
    }

    /// Whether the file has a byte of this physical address.
    pub fn holds(&self, addr: u64) -> bool {
        addr.wrapping_sub(self.base) < self.map.len() as u64
    }

    /// Whether all of a range is tracked.
    pub fn tracks(&self, addr: u64, len: u64) -> bool {
        let (start, end) = (addr.wrapping_sub(self.base), self.len() as u64);
        start <= end && len <= end - start
    }

    /// A byte of the file.
    pub fn byte(&self, addr: u64) -> u8 {
        self.map[(addr - self.base) as usize]
    }

    /// Changes a byte of the file; doing it twice changes nothing.
    pub fn flip(&mut self, addr: u64) {
        self.map[(addr - self.base) as usize] ^= 0xff;
    }

    /// Numbers of the physical pages that have this byte at this offset.
    pub fn pages_with(&self, offset: u64, value: u8) -> Vec<u64> {
        let first = self.base / PAGE;
        // What a virtual address was just looked at for is used, by that.
        let mailbox = self.len()..self.map.len();
        let used = self.used().into_iter().chain([mailbox]);
        used.flat_map(|part| part.start as u64 / PAGE..part.end as u64 / PAGE)
            .filter(|page| self.map[(page * PAGE + offset) as usize] == value)
            .map(|page| first + page)
            .collect()
    }

    /// Takes back what recovery stored.
    pub fn undo(&mut self) {
        for line in self.touched.drain(..) {
            self.is_touched[line] = false;
            let range = line * self.line..(line + 1) * self.line;
            self.map[range.clone()].copy_from_slice(&self.image[range]);
        }
    }

    /// Answers the guest.
    pub fn mailbox(&mut self, words: [u64; 5]) {
        let start = self.len();
        for (slot, word) in self.map[start..].chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
    }
}
