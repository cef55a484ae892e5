//! The checked ways to write to a map durably: copies, fills and values.

use crate::{Dispatch, Error, Flags, Map, MemcpyFn, MemmoveFn, MemsetFn};

/// A type that is nothing but its bytes, so that it may be written to persistent memory as they
/// are.
///
/// # Safety
/// Every byte of a value must be initialised: no padding. (That it should hold no pointer or
/// reference is for the reader's sake.)
pub unsafe trait Pod: Copy + 'static {}

macro_rules! pod {
    ($($t:ty)*) => {$(
        // SAFETY: a primitive without padding.
        unsafe impl Pod for $t {}
    )*};
}
pod!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

// SAFETY: the elements of an array touch each other.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}

impl<D: Dispatch> Map<D> {
    /// The function that copies to this map, overlap included, durably unless its flags say
    /// otherwise.
    #[must_use]
    #[doc(alias = "pmem2_get_memmove_fn")]
    pub fn memmove_fn(&self) -> MemmoveFn {
        self.table().memmove_fn()
    }

    /// The function that copies to this map: the same as [`memmove_fn`](Self::memmove_fn).
    #[must_use]
    #[doc(alias = "pmem2_get_memcpy_fn")]
    pub fn memcpy_fn(&self) -> MemcpyFn {
        self.table().memcpy_fn()
    }

    /// The function that fills a range of this map, durably unless its flags say otherwise.
    #[must_use]
    #[doc(alias = "pmem2_get_memset_fn")]
    pub fn memset_fn(&self) -> MemsetFn {
        self.table().memset_fn()
    }

    /// Copies `len` bytes from `src`, which need not be in the map, to `dest`, which must be. They
    /// may overlap.
    ///
    /// Durable on return, unless `flags` say otherwise. Each aligned word (8 bytes) inside the
    /// destination is written by one store, so neither another CPU nor a power cut sees a part
    /// of it. No bytes: nothing is touched, whatever the pointers.
    ///
    /// # Errors
    /// [`Error::Flags`], [`Error::OutsideMap`] or [`Error::Wraps`], and nothing was touched;
    /// [`Error::Sync`] if the hook of a page map failed.
    ///
    /// # Safety
    /// `src` must be valid for reads of `len` bytes. While the call lasts, nothing else may write
    /// to either range, and whoever reads the destination must be content with words.
    #[inline]
    pub unsafe fn memmove(
        &self,
        dest: *mut u8,
        src: *const u8,
        len: usize,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the destination is inside the map; the caller vouches for the rest.
        self.store(dest, len, flags, |flags| unsafe {
            self.dispatch().memmove(dest, src, len, flags);
        })
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
        // SAFETY: the destination is inside the map; the caller vouches for the rest.
        self.store(dest, len, flags, |flags| unsafe {
            self.dispatch().memset(dest, byte, len, flags);
        })
    }

    /// Writes a value, durably. A value of up to 8 bytes is one store; a larger one is one store
    /// for each word.
    ///
    /// # Errors
    /// [`Error::Misaligned`], and as for [`memmove`](Self::memmove).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn write<T: Pod>(&self, dest: *mut T, value: T) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.copy_from_slice(dest, &[value]) }
    }

    /// Copies a slice, durably.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn copy_from_slice<T: Pod>(&self, dest: *mut T, src: &[T]) -> Result<(), Error> {
        if !dest.is_aligned() {
            return Err(Error::Misaligned {
                start: dest.addr(),
                align: align_of::<T>(),
            });
        }
        // SAFETY: a slice is readable; the caller vouches for the destination.
        unsafe {
            self.memmove(
                dest.cast(),
                src.as_ptr().cast(),
                size_of_val(src),
                Flags::empty(),
            )
        }
    }

    /// Checks, stores by `call`, and has the hook of a page map called where the caller can be told
    /// of its failure.
    #[inline]
    fn store(
        &self,
        dest: *mut u8,
        len: usize,
        flags: Flags,
        call: impl FnOnce(Flags),
    ) -> Result<(), Error> {
        let flags = flags.checked()?;
        let Some(span) = self.checked(dest, len)? else {
            return Ok(());
        };
        let Some(page) = self.page() else {
            call(flags);
            return Ok(());
        };
        call(Flags::NOFLUSH);
        if flags.contains(Flags::NOFLUSH) {
            return Ok(());
        }
        page.sync(span)?;
        if flags.contains(Flags::NODRAIN) {
            return Ok(());
        }
        self.drain()
    }
}
