//! A host whose disk can be looked at: what was synced, and nothing else, is on it.

use std::{
    fmt,
    fs::File,
    io,
    ops::Range,
    sync::{Arc, Mutex},
};

use kpmem_vmm::{Host, Mapping};
use vm_memory::{
    Bytes, FileOffset, MmapRegion, VolatileMemory,
    bitmap::{Bitmap, NewBitmap},
};

/// A file on a real file system, unlinked.
pub fn file(len: usize) -> File {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    file.set_len(len as u64).unwrap();
    file
}

/// A mapping of such a file.
pub fn region<B: NewBitmap>(len: usize) -> Arc<MmapRegion<B>> {
    Arc::new(kpmem_vmm::map_file(FileOffset::new(file(len), 0), len).unwrap())
}

/// What it does with the next calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Good,
    /// Says that it cannot.
    Fails,
    /// Says that it has synced, and has not: the negative control.
    Lies,
    Panics,
}

#[derive(Debug)]
pub struct Disk<B> {
    region: Arc<MmapRegion<B>>,
    pub content: Mutex<Vec<u8>>,
    pub calls: Mutex<Vec<Range<usize>>>,
    pub mood: Mutex<Mood>,
}

impl<B: Bitmap + fmt::Debug + Send + Sync + 'static> Disk<B> {
    /// A mapping of `len` bytes that syncs to the disk, and so many runs at most.
    pub fn mapping(len: usize, ranges: usize) -> (Arc<Mapping<B>>, Arc<Self>)
    where
        B: NewBitmap,
    {
        let disk = Self::of(region(len));
        let mapping = Mapping::with_host(Arc::clone(&disk.region), Arc::clone(&disk), ranges);
        (Arc::new(mapping), disk)
    }

    /// An empty one behind a region.
    pub fn of(region: Arc<MmapRegion<B>>) -> Arc<Self> {
        Arc::new(Self {
            content: Mutex::new(vec![0; region.size()]),
            region,
            calls: Mutex::default(),
            mood: Mutex::default(),
        })
    }

    pub fn region(&self) -> &Arc<MmapRegion<B>> {
        &self.region
    }

    pub fn calls(&self) -> Vec<Range<usize>> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub fn mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Whether a power cut now would keep the bytes as they are in memory.
    pub fn keeps(&self, range: Range<usize>) -> bool {
        let mut memory = vec![0; range.len()];
        let slice = self.region.as_volatile_slice();
        slice.read_slice(&mut memory, range.start).unwrap();
        self.content.lock().unwrap()[range] == memory
    }
}

impl<B: Bitmap + fmt::Debug + Send + Sync + 'static> Host for Disk<B> {
    fn sync_range(&self, offset: usize, len: usize) -> io::Result<()> {
        let range = offset..offset + len;
        self.calls.lock().unwrap().push(range.clone());
        match *self.mood.lock().unwrap() {
            Mood::Good => {}
            Mood::Fails => return Err(io::Error::other("the disk is full")),
            Mood::Lies => return Ok(()),
            Mood::Panics => panic!("the host panics"),
        }
        let mut content = self.content.lock().unwrap();
        let slice = self.region.as_volatile_slice();
        slice.read_slice(&mut content[range], offset).unwrap();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_range(0, self.region.size())
    }
}
