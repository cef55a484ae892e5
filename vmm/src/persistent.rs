//! Guest memory of which parts are persistent.

use std::{fmt, sync::Arc};

use vm_memory::{
    Address, GuestAddress, GuestMemory, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion,
    GuestRegionMmap, bitmap::Bitmap,
};

use crate::{DirtyPages, Error, Mapping, Policy, Volatile};

/// What persistent guest memory can do beside what [`GuestMemory`] can.
pub trait Persist: GuestMemory {
    /// Makes `len` bytes at `address` durable. They may span regions; each byte must be in one that
    /// is persistent. Of no bytes, nothing is done, wherever.
    ///
    /// Only what was stored before by this thread, or is seen by it.
    ///
    /// # Errors
    /// [`Error::Hole`] or [`Error::NotPersistent`] with the first address that is not persistent,
    /// and nothing was made durable; [`Error::Sync`].
    fn persist(&self, address: GuestAddress, len: usize) -> Result<(), Error>;

    /// Makes durable what is marked in the bitmaps of the persistent regions, and takes those marks
    /// away; regions without a bitmap are made durable whole. The answer is how many bytes that
    /// were.
    ///
    /// **Marked is what was written through vm-memory.** What the guest's CPUs stored must be
    /// marked first, from the hypervisor's log: [`GuestLog`](crate::GuestLog) does so for a device.
    ///
    /// # Errors
    /// [`Error::Sync`]; of what was not made durable, the marks are there again.
    fn persist_dirty(&self) -> Result<usize, Error>;

    /// Copies `bytes` to `address`, marks them, and makes them durable.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist); after one of the first two nothing was copied.
    fn write_persist(&self, bytes: &[u8], address: GuestAddress) -> Result<(), Error>;
}

/// Guest memory, and the mappings of those regions that are persistent. It is itself guest memory,
/// to be used where vm-memory's is.
///
/// ```
/// use kpmem_vmm::{Persist, PersistentMemory, Policy};
/// use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap, GuestRegionMmap};
/// use vm_memory::bitmap::AtomicBitmap;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR"))?;
/// # file.set_len(1 << 20)?;
/// let pmem = kpmem_vmm::map_file::<AtomicBitmap>(FileOffset::new(file, 0), 1 << 20)?;
/// let ram = GuestRegionMmap::from_range(GuestAddress(0), 1 << 20, None)?;
/// let pmem = GuestRegionMmap::new(pmem, GuestAddress(1 << 30)).ok_or("it wraps")?;
/// let memory = GuestMemoryMmap::from_regions(vec![ram, pmem])?;
///
/// let memory = PersistentMemory::new(memory, Policy::Ranges(4));
/// memory.write_obj(42_u64, GuestAddress(1 << 30))?;
/// memory.persist(GuestAddress(1 << 30), 8)?; // the word survives
/// memory.write_obj(43_u64, GuestAddress((1 << 30) + 8192))?;
/// memory.persist_dirty()?; // so does this one
/// let error = memory.persist(GuestAddress(0), 8).unwrap_err();
/// assert!(error.to_string().contains("0x0 is not persistent"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PersistentMemory<B = ()> {
    memory: GuestMemoryMmap<B>,
    /// Of each region in the order of their addresses.
    mappings: Vec<Result<Arc<Mapping<B>>, Volatile>>,
}

impl<B> Clone for PersistentMemory<B> {
    fn clone(&self) -> Self {
        Self {
            memory: self.memory.clone(),
            mappings: self.mappings.clone(),
        }
    }
}

impl<B: Bitmap + fmt::Debug + Send + Sync + 'static> PersistentMemory<B> {
    /// Memory of which each region is persistent that can be, as [`Mapping::new`] tells.
    pub fn new(memory: GuestMemoryMmap<B>, policy: Policy) -> Self {
        let mapping = |region: &GuestRegionMmap<B>| {
            let mapping = Mapping::new(region.get_mmap(), policy)?;
            Ok(Arc::new(mapping))
        };
        let mappings = memory.iter().map(mapping).collect();
        Self { memory, mappings }
    }
}

impl<B: Bitmap> PersistentMemory<B> {
    /// Memory of which those regions are persistent that a mapping is given for.
    pub fn with_mappings(memory: GuestMemoryMmap<B>, mappings: &[Arc<Mapping<B>>]) -> Self {
        let given = |region: &GuestRegionMmap<B>| {
            let region = region.get_mmap();
            let mut all = mappings.iter();
            let of_region = all.find(|mapping| Arc::ptr_eq(mapping.region(), &region));
            of_region.cloned().ok_or(Volatile::NotGiven)
        };
        let mappings = memory.iter().map(given).collect();
        Self { memory, mappings }
    }

    /// The mapping of the region that an address is in.
    ///
    /// # Errors
    /// [`Error::Hole`], [`Error::NotPersistent`].
    pub fn mapping(&self, address: GuestAddress) -> Result<&Arc<Mapping<B>>, Error> {
        let piece = self.pieces(address, 1).next().transpose()?;
        piece
            .map(|piece| piece.mapping)
            .ok_or_else(|| hole(address, address, 1))
    }

    /// The persistent ones.
    pub fn mappings(&self) -> impl Iterator<Item = &Arc<Mapping<B>>> {
        self.mappings.iter().flatten()
    }

    /// A range, region by region, up to the first address that is not persistent.
    fn pieces(
        &self,
        start: GuestAddress,
        len: usize,
    ) -> impl Iterator<Item = Result<Piece<'_, B>, Error>> {
        let mut at = Some((start, len));
        std::iter::from_fn(move || {
            let (address, left) = at.take().filter(|(_, left)| *left > 0)?;
            let piece = self.piece(address, left);
            let Some(piece) = piece else {
                return Some(Err(hole(address, start, len)));
            };
            Some(piece.inspect(|piece| {
                // No region reaches the top of the address space, so neither does its end.
                let next = address.unchecked_add(piece.len as u64);
                at = Some((next, left - piece.len));
            }))
        })
    }

    /// The part of a range that is in the region where it begins; `None` if there is none.
    fn piece(&self, address: GuestAddress, len: usize) -> Option<Result<Piece<'_, B>, Error>> {
        let mut regions = self.memory.iter().zip(&self.mappings);
        let (region, mapping) = regions
            .find(|(region, _)| region.start_addr() <= address && address <= region.last_addr())?;
        Some(match mapping {
            Ok(mapping) => {
                let offset = address.unchecked_offset_from(region.start_addr());
                // It is less than the mapping's length.
                let offset = usize::try_from(offset).ok()?;
                let len = len.min(mapping.len() - offset);
                Ok(Piece {
                    mapping,
                    offset,
                    len,
                })
            }
            Err(why) => Err(Error::NotPersistent {
                address: address.raw_value(),
                why: *why,
            }),
        })
    }
}

/// A part of a range, in one region.
struct Piece<'a, B> {
    mapping: &'a Arc<Mapping<B>>,
    offset: usize,
    len: usize,
}

fn hole(address: GuestAddress, start: GuestAddress, len: usize) -> Error {
    Error::Hole {
        address: address.raw_value(),
        start: start.raw_value(),
        len,
    }
}

impl<B: DirtyPages> Persist for PersistentMemory<B> {
    fn persist(&self, address: GuestAddress, len: usize) -> Result<(), Error> {
        self.pieces(address, len)
            .try_for_each(|piece| piece.map(drop))?;
        let mut by_lines = None;
        for piece in self.pieces(address, len) {
            let piece = piece?;
            piece.mapping.start(piece.offset, piece.len)?;
            if piece.mapping.is_by_lines() {
                by_lines = Some(piece.mapping);
            }
        }
        // One fence completes the lines of all of them.
        by_lines.map_or(Ok(()), |mapping| mapping.finish())
    }

    fn persist_dirty(&self) -> Result<usize, Error> {
        self.mappings()
            .try_fold(0, |sum, mapping| Ok(sum + mapping.persist_dirty()?))
    }

    fn write_persist(&self, bytes: &[u8], address: GuestAddress) -> Result<(), Error> {
        self.pieces(address, bytes.len())
            .try_for_each(|piece| piece?.mapping.check_writable())?;
        let mut left = bytes;
        for piece in self.pieces(address, bytes.len()) {
            let piece = piece?;
            let (now, then) = left.split_at(piece.len);
            piece.mapping.write(piece.offset, now)?;
            left = then;
        }
        Ok(())
    }
}

impl<B: Bitmap> GuestMemoryBackend for PersistentMemory<B> {
    type R = GuestRegionMmap<B>;

    fn num_regions(&self) -> usize {
        self.memory.num_regions()
    }

    fn find_region(&self, address: GuestAddress) -> Option<&Self::R> {
        self.memory.find_region(address)
    }

    fn iter(&self) -> impl Iterator<Item = &Self::R> {
        self.memory.iter()
    }
}
