//! One mapping, and how it becomes durable.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use kpmem::{Map, Table};
use vm_memory::{Bytes, MmapRegion, VolatileMemory, bitmap::Bitmap};

use crate::{
    DirtyPages, Error, Host, Policy, Runs, Volatile,
    host::{self, Kernel},
};

/// A region of vm-memory's that is a mapping of a file, and what makes it durable: see
/// [the table](crate#what-makes-a-mapping-durable).
///
/// Offsets are in bytes from where the mapping begins. Any thread may call it, several at once.
#[derive(Debug)]
pub struct Mapping<B = ()> {
    region: Arc<MmapRegion<B>>,
    means: Means,
    /// Held from the taking of marks until what they mark is durable: who finds none must not be
    /// back before that.
    taking: Mutex<()>,
}

#[derive(Debug)]
enum Means {
    /// Cache lines are written back, by this process.
    Lines(Map),
    /// The host is asked, and for so many ranges at most.
    Host { host: Box<dyn Host>, ranges: usize },
}

impl<B: Bitmap + fmt::Debug + Send + Sync + 'static> Mapping<B> {
    /// The mapping of a region that [`map_file`](crate::map_file) made, or vm-memory: by cache
    /// lines where [it is DAX](crate::is_dax), else as `policy` says.
    ///
    /// Where a CPU has no instruction to write lines back, a DAX file is synced like any other.
    ///
    /// The region must not reach past its file's end, and the file must stay that long. Each sync
    /// by the host asks for the file's length (one `fstat`) and is an error if it is shorter; that
    /// a file was cut and is long again, or is a device, nobody notices. By lines, no system call
    /// is made, and of memory that the file no longer has, kpmem's instructions are a `SIGBUS`, as
    /// stores are.
    ///
    /// # Errors
    /// Why no sync would make the region durable.
    pub fn new(region: Arc<MmapRegion<B>>, policy: Policy) -> Result<Self, Volatile> {
        let file = host::file_of(&region)?;
        if host::is_dax(&region) {
            // SAFETY: the kernel grants MAP_SYNC only for memory that is mapped write-back, and
            // where lines that were written back are durable (mmap(2)).
            let lines = |table| unsafe { Self::dax(Arc::clone(&region), table) };
            if let Ok(mapping) = kpmem::selected().and_then(lines) {
                return Ok(mapping);
            }
        }
        let (by_file, ranges) = match policy {
            Policy::Msync => (None, 0),
            Policy::Fdatasync => (Some(file), 0),
            Policy::Ranges(most) => (None, most),
        };
        let host = Kernel {
            region: Arc::clone(&region),
            by_file,
        };
        Ok(Self::with_host(region, host, ranges))
    }
}

impl<B: Bitmap> Mapping<B> {
    /// The mapping of a region that becomes durable by the functions of a table, as the caller
    /// knows: [`kpmem::selected`] writes cache lines back, [`kpmem::selected_byte`] is for
    /// platforms that flush their caches on power loss.
    ///
    /// # Errors
    /// The table is one of page granularity.
    ///
    /// # Safety
    /// As for [`Map::with_table`]: as long as the region lives, it is mapped write-back, and the
    /// platform makes durable what the table's granularity says.
    pub unsafe fn dax(
        region: Arc<MmapRegion<B>>,
        table: &'static Table,
    ) -> Result<Self, kpmem::Error> {
        // SAFETY: the caller's; the region lives as long as this value.
        let map = unsafe { Map::with_table(region.as_ptr(), region.size(), table) }?;
        Ok(Self::by(region, Means::Lines(map)))
    }

    /// The mapping of a region that `host` makes durable, which is asked for `ranges` runs of dirty
    /// pages at most before it is asked for all.
    pub fn with_host(region: Arc<MmapRegion<B>>, host: impl Host + 'static, ranges: usize) -> Self {
        let host = Box::new(host);
        Self::by(region, Means::Host { host, ranges })
    }

    fn by(region: Arc<MmapRegion<B>>, means: Means) -> Self {
        Self {
            region,
            means,
            taking: Mutex::new(()),
        }
    }

    /// The region.
    pub fn region(&self) -> &Arc<MmapRegion<B>> {
        &self.region
    }

    /// Its length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no mapping is empty")]
    pub fn len(&self) -> usize {
        self.region.size()
    }

    /// Whether cache lines are written back, and the host is not asked.
    #[must_use]
    pub fn is_by_lines(&self) -> bool {
        matches!(self.means, Means::Lines(_))
    }

    /// Makes `len` bytes at `offset` durable. Of no bytes, nothing is done; where they are must be
    /// inside all the same, or the mapping's end.
    ///
    /// # Errors
    /// [`Error::Outside`], [`Error::Sync`].
    pub fn persist(&self, offset: usize, len: usize) -> Result<(), Error> {
        self.check(offset, len)?;
        self.start(offset, len)?;
        self.finish()
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    /// [`Error::Sync`].
    pub fn persist_all(&self) -> Result<(), Error> {
        match &self.means {
            Means::Lines(_) => self.persist(0, self.len()),
            Means::Host { host, .. } => host.sync_all().map_err(|source| Error::Sync {
                offset: 0,
                len: self.len(),
                source,
            }),
        }
    }

    /// Copies `bytes` to `offset`, marks them in the region's bitmap as any write of vm-memory's
    /// does, and makes them durable. Where cache lines are written back, each aligned word of 8
    /// bytes is one store.
    ///
    /// # Errors
    /// [`Error::Outside`], [`Error::ReadOnly`], [`Error::Sync`].
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        self.check(offset, bytes.len())?;
        self.check_writable()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if let Means::Lines(map) = &self.means {
            let dest = self.region.as_ptr().wrapping_add(offset);
            // SAFETY: the bytes are a slice, and the destination is inside the region, which lives.
            // Others may use it at the same time, the guest for one: as for vm-memory's writes,
            // they see words that are old or new.
            unsafe { map.copy_from_slice(dest, bytes)? };
            self.region.bitmap().mark_dirty(offset, bytes.len());
            return Ok(());
        }
        let slice = self.region.as_volatile_slice();
        slice
            .write_slice(bytes, offset)
            .map_err(|_| self.outside(offset, bytes.len()))?;
        self.start(offset, bytes.len())
    }

    /// Begins to make a range durable that is inside: by lines, [`finish`](Self::finish) completes
    /// it.
    pub(crate) fn start(&self, offset: usize, len: usize) -> Result<(), Error> {
        if len == 0 {
            return Ok(());
        }
        match &self.means {
            Means::Lines(map) => Ok(map.flush(self.region.as_ptr().wrapping_add(offset), len)?),
            Means::Host { host, .. } => {
                let page = host::page();
                let start = offset - offset % page;
                // No mapping reaches the top of the address space.
                let end = (offset + len).next_multiple_of(page).min(self.len());
                let len = end - start;
                host.sync_range(start, len).map_err(|source| Error::Sync {
                    offset: start,
                    len,
                    source,
                })
            }
        }
    }

    /// Completes what was begun by this thread, of this and any other mapping by lines.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        match &self.means {
            Means::Lines(map) => Ok(map.drain()?),
            Means::Host { .. } => Ok(()),
        }
    }

    /// Whether a range is inside.
    pub(crate) fn check(&self, offset: usize, len: usize) -> Result<(), Error> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len() => Ok(()),
            _ => Err(self.outside(offset, len)),
        }
    }

    /// Whether it may be stored to.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        match self.region.prot() & libc::PROT_WRITE {
            0 => Err(Error::ReadOnly),
            _ => Ok(()),
        }
    }

    fn outside(&self, offset: usize, len: usize) -> Error {
        let size = self.len();
        Error::Outside { offset, len, size }
    }
}

impl<B: DirtyPages> Mapping<B> {
    /// Makes durable what is marked in the region's bitmap, and takes the marks away; all of it,
    /// where a bitmap cannot tell. The answer is how many bytes that were. Callers take turns.
    ///
    /// # Errors
    /// [`Error::Sync`]; the marks are there again.
    pub fn persist_dirty(&self) -> Result<usize, Error> {
        let _turn = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(runs) = self.region.bitmap().take(self.len()) else {
            return self.persist_all().map(|()| self.len());
        };
        let mut taken = Taken {
            bitmap: self.region.bitmap(),
            runs: Some(runs),
        };
        let bytes = taken.runs.as_ref().map_or(Ok(0), |runs| self.sync(runs))?;
        taken.runs = None;
        Ok(bytes)
    }

    fn sync(&self, runs: &Runs) -> Result<usize, Error> {
        match self.means {
            Means::Host { ranges, .. } if !runs.is_empty() && runs.len() > ranges => {
                self.persist_all()?;
            }
            _ => {
                runs.iter()
                    .try_for_each(|run| self.start(run.start, run.len()))?;
                self.finish()?;
            }
        }
        Ok(runs.bytes())
    }
}

/// Marks that were taken: put back unless all went well, also if a [`Host`] panics.
struct Taken<'a, B: DirtyPages> {
    bitmap: &'a B,
    runs: Option<Runs>,
}

impl<B: DirtyPages> Drop for Taken<'_, B> {
    fn drop(&mut self) {
        if let Some(runs) = &self.runs {
            self.bitmap.put_back(runs);
        }
    }
}
