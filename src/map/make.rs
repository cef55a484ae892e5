//! How maps of byte and cache-line granularity are made.

use super::Map;
use crate::{Error, Fixed, Granularity, Primitives, Table, range::Span, selected, selected_byte};

impl Map {
    /// A map of `len` bytes at `base`, over the best functions that this machine has for its
    /// granularity (see [`selected`]).
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps; [`Error::Unsupported`] or [`Error::LineSize`]
    /// where the CPU cannot honour the granularity; [`Error::NoHook`] for page granularity, which
    /// `Map::with_hook` makes.
    ///
    /// # Safety
    /// As long as the map is used, the range must be mapped for each CPU that uses it, as
    /// write-back cacheable memory; the platform must make durable what `granularity` says; and the
    /// selected table must be right for the CPU ([`select`](crate::select) says how).
    #[doc(alias = "pmem2_map_new")]
    pub unsafe fn new(base: *mut u8, len: usize, granularity: Granularity) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        let table = match granularity {
            Granularity::Byte => selected_byte(),
            Granularity::CacheLine => selected()?,
            Granularity::Page => return Err(no_hook(span.first, len)),
        };
        Ok(Self::over(base, len, table))
    }

    /// A map of `len` bytes at `base` over a table of the caller's choice.
    ///
    /// ```
    /// use kpmem::Map;
    ///
    /// # let mut memory = vec![0_u64; 512];
    /// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
    /// // The best that the CPU has, or what a kernel knows to be better.
    /// let table = kpmem::selected()?;
    /// // SAFETY: the range is mapped write-back on every CPU, and the platform has ADR.
    /// let map = unsafe { Map::with_table(base, len, table)? };
    /// assert_eq!(map.table().name(), table.name());
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Map::new`].
    ///
    /// # Safety
    /// As for [`Map::new`] with the table's granularity; for a cache-line table also as for
    /// [`select`](crate::select).
    pub unsafe fn with_table(
        base: *mut u8,
        len: usize,
        table: &'static Table,
    ) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        if table.granularity() == Granularity::Page {
            return Err(no_hook(span.first, len));
        }
        Ok(Self::over(base, len, table))
    }

    /// [`Map::with_table`] at an address that is known at compile time, for a `static`.
    ///
    /// ```
    /// use kpmem::{BYTE, Map};
    ///
    /// // SAFETY: 16 MiB of memory that a battery keeps are mapped there.
    /// static LOG: Map = match unsafe { Map::with_table_at(0xffff_9000 << 32, 16 << 20, &BYTE) } {
    ///     Ok(map) => map,
    ///     Err(_) => panic!("no such range"), // at compile time
    /// };
    /// assert_eq!(LOG.size(), 16 << 20);
    /// ```
    ///
    /// # Errors
    /// As for [`Map::with_table`].
    ///
    /// # Safety
    /// As for [`Map::with_table`].
    pub const unsafe fn with_table_at(
        address: usize,
        len: usize,
        table: &'static Table,
    ) -> Result<Self, Error> {
        match checked_at(address, len, table.granularity()) {
            Ok(()) => Ok(Self::over(address as *mut u8, len, table)),
            Err(error) => Err(error),
        }
    }
}

impl<P: Primitives> Map<Fixed<P>> {
    /// A map of `len` bytes at `base` over primitives chosen at compile time, such as
    /// `Lines<arch::Clwb, 64>` or [`Byte`](crate::Byte).
    ///
    /// ```
    /// use kpmem::{Byte, Fixed, Map};
    ///
    /// # let mut memory = vec![0_u64; 512];
    /// # let (base, len) = (memory.as_mut_ptr().cast::<u8>(), 4096);
    /// // SAFETY: the range is mapped write-back, and what has left a core is durable.
    /// let map: Map<Fixed<Byte>> = unsafe { Map::fixed(base, len)? };
    /// map.persist(base, 8)?; // a fence, in line
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// A null base, no bytes, or a range that wraps; [`Error::NoHook`] for primitives of page
    /// granularity.
    ///
    /// # Safety
    /// As for [`Map::with_table`].
    pub unsafe fn fixed(base: *mut u8, len: usize) -> Result<Self, Error> {
        let span = range_of(base, len)?;
        match P::GRANULARITY {
            Granularity::Page => Err(no_hook(span.first, len)),
            _ => Ok(Self::over(base, len, Fixed::new())),
        }
    }

    /// [`Map::fixed`] at an address that is known at compile time.
    ///
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use kpmem::{Fixed, Lines, Map, arch::Clwb};
    ///
    /// // SAFETY: 16 MiB of persistent memory are mapped there, and every CPU has clwb.
    /// static LOG: Map<Fixed<Lines<Clwb, 64>>> =
    ///     match unsafe { Map::fixed_at(0xffff_9000_0000_0000, 16 << 20) } {
    ///         Ok(map) => map,
    ///         Err(_) => panic!("no such range"), // at compile time
    ///     };
    /// assert_eq!(LOG.size(), 16 << 20);
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`Map::fixed`].
    ///
    /// # Safety
    /// As for [`Map::fixed`].
    pub const unsafe fn fixed_at(address: usize, len: usize) -> Result<Self, Error> {
        match checked_at(address, len, P::GRANULARITY) {
            Ok(()) => Ok(Self::over(address as *mut u8, len, Fixed::new())),
            Err(error) => Err(error),
        }
    }
}

/// The range of a map that is being made. Its provenance is exposed, for the instructions that get
/// no more than an address, and for [`Map::address`] of another map of the range.
pub(crate) fn range_of(base: *mut u8, len: usize) -> Result<Span, Error> {
    if base.is_null() {
        return Err(Error::Null { len });
    }
    Span::new(base.expose_provenance(), len)
}

const fn checked_at(address: usize, len: usize, granularity: Granularity) -> Result<(), Error> {
    if address == 0 {
        return Err(Error::Null { len });
    }
    match (Span::new(address, len), granularity) {
        (Err(error), _) => Err(error),
        (Ok(_), Granularity::Page) => Err(no_hook(address, len)),
        (Ok(_), Granularity::Byte | Granularity::CacheLine) => Ok(()),
    }
}

const fn no_hook(start: usize, len: usize) -> Error {
    Error::NoHook { start, len }
}
