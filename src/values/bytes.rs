//! Bytes, wherever they come from.

use crate::{Dispatch, Error, Flags, Map};

impl<D: Dispatch> Map<D> {
    /// Copies `len` bytes from `src`, which need not be in the map, to `dest`, which must be. They
    /// may overlap, and they may be uninitialised in part, as padding is.
    ///
    /// Durable on return, unless `flags` say otherwise. Each aligned word (8 bytes) inside the
    /// destination is written by one store, so neither another CPU nor a power cut sees a part of
    /// it. No bytes: nothing is touched, whatever the pointers.
    ///
    /// ```
    /// # use kpmem::{Flags, Granularity, Map};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// // SAFETY: nothing else uses these parts of the map.
    /// unsafe {
    ///     map.memset(base, 1, 100, Flags::empty())?; // durable
    ///     map.memcpy(base.add(512), base, 100, Flags::NODRAIN)?; // durable after a drain
    ///     map.memmove(base.add(50), base, 100, Flags::NODRAIN)?; // overlapping
    /// }
    /// map.drain()?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Flags`], [`Error::OutsideMap`] or [`Error::Wraps`], and nothing was touched;
    /// [`Error::Sync`] or [`Error::NotCovered`] of a page map.
    ///
    /// # Safety
    /// `src` must be valid for reads of `len` bytes, and `dest` for writes. While the call lasts,
    /// nothing else may write to either range, and whoever reads the destination must be content
    /// with words.
    #[inline]
    #[doc(alias = "memcpy_flushcache")]
    pub unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        let flags = flags.checked()?;
        self.check(dest, len)?;
        self.dispatch().admit(src, len)?;
        // SAFETY: the destination is inside the map; the caller vouches for the rest.
        unsafe { self.dispatch().memmove(dest, src, len, flags) }
    }

    /// Copies like [`memmove`](Self::memmove).
    ///
    /// # Errors
    /// As for [`memmove`](Self::memmove).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn memcpy(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.memmove(dest, src, len, flags) }
    }

    /// Stores `byte` to each of `len` bytes at `dest`. Durability and words as for
    /// [`memmove`](Self::memmove).
    ///
    /// # Errors
    /// As for [`memmove`](Self::memmove).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    #[doc(alias = "fill")]
    pub unsafe fn memset(
        &self,
        dest: *mut u8,
        byte: u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        let flags = flags.checked()?;
        self.check(dest, len)?;
        // SAFETY: the destination is inside the map; the caller vouches for the rest.
        unsafe { self.dispatch().memset(dest, byte, len, flags) }
    }
}
