//! Values and slices of them.

use core::mem::MaybeUninit;

use super::Pod;
use crate::{Dispatch, Error, Flags, Map};

impl<D: Dispatch> Map<D> {
    /// Writes a value, durably.
    ///
    /// A type of 1, 2, 4 or 8 bytes that is aligned to its size, such as an integer, is written by
    /// one store. Of all other types each aligned word of 8 bytes is written by one store, and
    /// what fills no such word by smaller ones: a `[u8; 4]`, `[u16; 3]` or `[u8; 6]` may be seen in
    /// part, by another CPU and after a power cut. [`store`](Self::store) takes only what cannot.
    ///
    /// # Errors
    /// [`Error::Misaligned`], and as for [`memmove`](Self::memmove).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn write<T: Pod>(&self, dest: *mut T, value: T) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.write_with(dest, value, Flags::empty()) }
    }

    /// [`write`](Self::write) with flags.
    ///
    /// ```
    /// # use kpmem::{Flags, Granularity, Map};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// // SAFETY: nothing else uses this part of the map.
    /// unsafe {
    ///     map.write_with(base.cast(), 7_u64, Flags::NODRAIN)?;
    ///     map.copy_from_slice_with(base.add(64), b"payload", Flags::NODRAIN)?;
    /// }
    /// map.drain()?; // both are durable
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn write_with<T: Pod>(
        &self,
        dest: *mut T,
        value: T,
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's.
        unsafe { self.copy_from_slice_with(dest, &[value], flags) }
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
        // SAFETY: the caller's.
        unsafe { self.copy_from_slice_with(dest, src, Flags::empty()) }
    }

    /// [`copy_from_slice`](Self::copy_from_slice) with flags.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn copy_from_slice_with<T: Pod>(
        &self,
        dest: *mut T,
        src: &[T],
        flags: Flags,
    ) -> Result<(), Error> {
        // SAFETY: the caller's; an initialised element is also a `MaybeUninit`.
        unsafe {
            let src = &*(&raw const *src as *const [MaybeUninit<T>]);
            self.copy_from_uninit_slice(dest, src, flags)
        }
    }

    /// Copies a slice that need not be initialised, in whole or in part: a buffer that was not
    /// filled to its end, or values with padding. What was not stays unspecified.
    ///
    /// ```
    /// # use core::mem::MaybeUninit;
    /// # use kpmem::{Flags, Granularity, Map};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// let mut buffer = [MaybeUninit::uninit(); 64];
    /// buffer[0].write(7_u8);
    /// // SAFETY: nothing else uses this part of the map.
    /// unsafe { map.copy_from_uninit_slice(base, &buffer, Flags::empty())? };
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[inline]
    pub unsafe fn copy_from_uninit_slice<T: Copy>(
        &self,
        dest: *mut T,
        src: &[MaybeUninit<T>],
        flags: Flags,
    ) -> Result<(), Error> {
        if !src.is_empty() && !dest.is_aligned() {
            return Err(Error::Misaligned {
                start: dest.addr(),
                align: align_of::<T>(),
            });
        }
        // SAFETY: a slice is readable; the caller vouches for the destination.
        unsafe { self.memmove(dest.cast(), src.as_ptr().cast(), size_of_val(src), flags) }
    }

    /// Writes the bytes of a value, durably: [`write`](Self::write) for the types of the crate
    /// `zerocopy`.
    ///
    /// ```
    /// # use kpmem::{Flags, Granularity, Map};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// // SAFETY: nothing else uses this part of the map.
    /// unsafe { map.write_zerocopy(base, &[1_u32, 2, 3], Flags::empty())? };
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`memmove`](Self::memmove).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[cfg(feature = "zerocopy")]
    #[inline]
    pub unsafe fn write_zerocopy<T>(
        &self,
        dest: *mut u8,
        value: &T,
        flags: Flags,
    ) -> Result<(), Error>
    where
        T: zerocopy::IntoBytes + zerocopy::Immutable + ?Sized,
    {
        let bytes = value.as_bytes();
        // SAFETY: a slice is readable; the caller vouches for the destination.
        unsafe { self.memmove(dest, bytes.as_ptr(), bytes.len(), flags) }
    }

    /// Writes the bytes of a value, durably: [`write`](Self::write) for the types of the crate
    /// `bytemuck`.
    ///
    /// ```
    /// # use kpmem::{Flags, Granularity, Map};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// // SAFETY: nothing else uses this part of the map.
    /// unsafe { map.write_bytemuck(base, &[1_u32, 2, 3], Flags::empty())? };
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`memmove`](Self::memmove).
    ///
    /// # Safety
    /// As for [`memmove`](Self::memmove).
    #[cfg(feature = "bytemuck")]
    #[inline]
    pub unsafe fn write_bytemuck<T>(
        &self,
        dest: *mut u8,
        value: &T,
        flags: Flags,
    ) -> Result<(), Error>
    where
        T: bytemuck::NoUninit,
    {
        let bytes = bytemuck::bytes_of(value);
        // SAFETY: a slice is readable; the caller vouches for the destination.
        unsafe { self.memmove(dest, bytes.as_ptr(), bytes.len(), flags) }
    }
}
