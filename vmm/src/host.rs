//! What the host's kernel is asked.

use std::{
    fmt,
    fs::File,
    io, mem,
    os::fd::{AsRawFd, RawFd},
    sync::{Arc, OnceLock},
};

use vm_memory::{
    FileOffset, MmapRegion,
    bitmap::{Bitmap, NewBitmap},
    mmap::{MmapRegionBuilder, MmapRegionError},
};

use crate::Volatile;

/// How the host's kernel is asked to make a mapping durable that is not DAX.
///
/// The kernel knows by itself which pages are dirty, so that to tell it gains nothing, and each
/// `msync` is a commit of the file system: 256 runs took 392 ms where one `msync` of all took 26.
/// Ranges pay where few are needed while much else is dirty, as for
/// [`Mapping::persist`](crate::Mapping::persist), whatever the policy. The README has figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// One `msync` of all of it.
    #[default]
    Msync,
    /// One `fdatasync` of the file: also what was written to it by other ways.
    Fdatasync,
    /// One `msync` for each run of dirty pages, where these are known and are so many runs at most;
    /// else one of all of it.
    Ranges(usize),
}

/// What makes parts of a mapping durable: the host's kernel, or a process that has the file where
/// this one has not.
pub trait Host: fmt::Debug + Send + Sync {
    /// Makes `len` bytes at `offset` of the mapping durable. The range is of whole pages of this
    /// process's: only at the mapping's end the last page may be a part of one.
    ///
    /// # Errors
    /// The system's.
    fn sync_range(&self, offset: usize, len: usize) -> io::Result<()>;

    /// Makes all of it durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_all(&self) -> io::Result<()>;
}

impl<H: Host + ?Sized> Host for Arc<H> {
    fn sync_range(&self, offset: usize, len: usize) -> io::Result<()> {
        H::sync_range(self, offset, len)
    }

    fn sync_all(&self) -> io::Result<()> {
        H::sync_all(self)
    }
}

/// The kernel, asked by this process.
#[derive(Debug)]
pub(crate) struct Kernel<B> {
    pub(crate) region: Arc<MmapRegion<B>>,
    /// Whether all of it is synced by its file.
    pub(crate) by_file: Option<Arc<File>>,
}

impl<B: Bitmap + fmt::Debug + Send + Sync> Host for Kernel<B> {
    fn sync_range(&self, offset: usize, len: usize) -> io::Result<()> {
        let start = self.region.as_ptr().wrapping_add(offset);
        // SAFETY: no memory of ours is changed by it, and of a range that is not mapped it says so.
        done(unsafe { libc::msync(start.cast(), len, libc::MS_SYNC) })?;
        self.is_whole()
    }

    fn sync_all(&self) -> io::Result<()> {
        match &self.by_file {
            Some(file) => file.sync_data().and_then(|()| self.is_whole()),
            None => self.sync_range(0, self.region.size()),
        }
    }
}

impl<B: Bitmap> Kernel<B> {
    /// Whether all of the file is there still: the kernel does not write back what is behind its
    /// end, and says that all is well. Asked after the sync, for the file may shrink meanwhile.
    fn is_whole(&self) -> io::Result<()> {
        let file = self.region.file_offset();
        match file.map_or(Ok(None), |file| ends_early(file, self.region.size()))? {
            None => Ok(()),
            Some(why) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, why)),
        }
    }
}

/// Where a file ends, if that is inside of `len` bytes that are mapped of it. Only a regular file
/// has a length; a device's the system does not tell in one call.
fn ends_early(mapped: &FileOffset, len: usize) -> io::Result<Option<Volatile>> {
    let file = mapped.file().metadata()?;
    let region = mapped.start().saturating_add(len as u64);
    Ok(
        (file.is_file() && file.len() < region).then_some(Volatile::PastEnd {
            file: file.len(),
            region,
        }),
    )
}

fn done(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Maps `len` bytes of a file for reading and writing: by `MAP_SYNC` where the file is DAX, so that
/// no system call is needed to make stores durable, else shared.
///
/// # Errors
/// [`MmapRegionError::MappingPastEof`] if a regular file is shorter: what is stored behind its end
/// is lost, or stops the process by `SIGBUS`. Else what the system says.
pub fn map_file<B: NewBitmap>(
    file: FileOffset,
    len: usize,
) -> Result<MmapRegion<B>, MmapRegionError> {
    // Before anything of that length is allocated.
    if ends_early(&file, len)
        .map_err(MmapRegionError::Mmap)?
        .is_some()
    {
        return Err(MmapRegionError::MappingPastEof);
    }
    let map = |flags| {
        MmapRegionBuilder::new_with_bitmap(len, B::with_len(len))
            .with_file_offset(file.clone())
            .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
            .with_mmap_flags(flags)
            .build()
    };
    // A kernel or a file system without it refuses the flag, as long as it must validate it.
    map(SYNC).or_else(|_| map(libc::MAP_SHARED | libc::MAP_NORESERVE))
}

const SYNC: libc::c_int = libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC;

/// Whether a region is a mapping of a DAX file by `MAP_SYNC`: what `mmap` grants only where cache
/// lines that were written back are durable, and where the file's blocks are already.
#[must_use]
pub fn is_dax<B: Bitmap>(region: &MmapRegion<B>) -> bool {
    // Without MAP_SHARED_VALIDATE, MAP_SYNC is ignored.
    region.flags() & (libc::MAP_TYPE | libc::MAP_SYNC) == SYNC
}

/// The file behind a region, if a sync of it makes stores to the region durable.
pub(crate) fn file_of<B: Bitmap>(region: &MmapRegion<B>) -> Result<Arc<File>, Volatile> {
    let mapped = match region.file_offset() {
        Some(file) if region.flags() & libc::MAP_ANONYMOUS == 0 => file,
        _ => return Err(Volatile::Anonymous),
    };
    let kind = region.flags() & libc::MAP_TYPE;
    if kind != libc::MAP_SHARED && kind != libc::MAP_SHARED_VALIDATE {
        return Err(Volatile::Private);
    }
    let unknown = |error: io::Error| Volatile::Unknown(error.kind());
    if let Some(name) = in_memory(mapped.file().as_raw_fd()).map_err(unknown)? {
        return Err(Volatile::InMemory(name));
    }
    match ends_early(mapped, region.size()).map_err(unknown)? {
        None => Ok(Arc::clone(mapped.arc())),
        Some(why) => Err(why),
    }
}

/// The name of a file's system, if it is in memory: a sync of its files does nothing, and says
/// that all is well.
fn in_memory(file: RawFd) -> io::Result<Option<&'static str>> {
    // SAFETY: of integers only, for which zeroes are a value.
    let mut of: libc::statfs = unsafe { mem::zeroed() };
    // SAFETY: writes to `of`, whatever the descriptor.
    done(unsafe { libc::fstatfs(file, &raw mut of) })?;
    #[allow(clippy::unnecessary_cast, reason = "another type on some targets")]
    Ok(match of.f_type as i64 {
        // Linux, include/uapi/linux/magic.h.
        0x0102_1994 => Some("tmpfs"),
        0x8584_58f6 => Some("ramfs"),
        0x9584_58f6 => Some("hugetlbfs"),
        _ => None,
    })
}

/// Bytes of a page of the host's.
pub(crate) fn page() -> usize {
    static PAGE: OnceLock<usize> = OnceLock::new();
    *PAGE.get_or_init(|| {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        // Linux always has an answer; of too small a page `msync` would say that it is none.
        usize::try_from(page).unwrap_or(4096)
    })
}
