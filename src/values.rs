//! The checked ways to write to a map durably: copies, fills, values and atomic stores.

use core::{mem::MaybeUninit, sync::atomic};

use crate::{Dispatch, Error, Flags, Map};

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

/// An atomic type of up to 8 bytes.
pub trait Atomic: sealed::Sealed {
    /// What it holds.
    type Value;
    /// Stores it, with [`Ordering::Release`](atomic::Ordering::Release).
    fn store_release(&self, value: Self::Value);
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! atomic {
    ($($atomic:ty: $value:ty $(, $parameter:ident)?;)*) => {$(
        impl$(<$parameter>)? sealed::Sealed for $atomic {}
        impl$(<$parameter>)? Atomic for $atomic {
            type Value = $value;
            #[inline]
            fn store_release(&self, value: $value) {
                self.store(value, atomic::Ordering::Release);
            }
        }
    )*};
}
atomic! {
    atomic::AtomicU8: u8;
    atomic::AtomicU16: u16;
    atomic::AtomicU32: u32;
    atomic::AtomicU64: u64;
    atomic::AtomicUsize: usize;
    atomic::AtomicI8: i8;
    atomic::AtomicI16: i16;
    atomic::AtomicI32: i32;
    atomic::AtomicI64: i64;
    atomic::AtomicIsize: isize;
    atomic::AtomicBool: bool;
    atomic::AtomicPtr<T>: *mut T, T;
}

impl<D: Dispatch> Map<D> {
    /// Copies `len` bytes from `src`, which need not be in the map, to `dest`, which must be. They
    /// may overlap, and they may be uninitialised in part, as padding is.
    ///
    /// Durable on return, unless `flags` say otherwise. Each aligned word (8 bytes) inside the
    /// destination is written by one store, so neither another CPU nor a power cut sees a part of
    /// it. No bytes: nothing is touched, whatever the pointers.
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

    /// Stores to an atomic in the map, with release ordering, and persists it: one store, which
    /// neither another CPU nor a power cut sees in part.
    ///
    /// Another CPU may see the value before it is durable; who acts on it must persist it first.
    ///
    /// ```
    /// # use kpmem::{Granularity, Map};
    /// # use std::sync::atomic::AtomicU64;
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr();
    /// # let map = unsafe { Map::new(base.cast(), 4096, Granularity::Byte)? };
    /// // SAFETY: the word lies in the map, and is used by atomic accesses only.
    /// let head = unsafe { AtomicU64::from_ptr(base) };
    /// map.store(head, 42)?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutsideMap`], and nothing was stored; [`Error::Sync`] or [`Error::NotCovered`] of a
    /// page map.
    #[inline]
    pub fn store<A: Atomic>(&self, dest: &A, value: A::Value) -> Result<(), Error> {
        let (ptr, len) = ((&raw const *dest).cast(), size_of::<A>());
        self.check(ptr, len)?;
        dest.store_release(value);
        self.persist(ptr, len)
    }

    /// Makes a value in the map durable.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    #[inline]
    pub fn persist_ref<T: ?Sized>(&self, value: &T) -> Result<(), Error> {
        self.persist((&raw const *value).cast(), size_of_val(value))
    }

    /// Makes the elements of a slice in the map durable.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    #[inline]
    pub fn persist_slice<T>(&self, slice: &[T]) -> Result<(), Error> {
        self.persist_ref(slice)
    }

    /// Writes the bytes of a value, durably: [`write`](Self::write) for the types of the crate
    /// `zerocopy`.
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
