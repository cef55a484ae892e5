//! The checked ways to write to a map durably: copies, fills, values and atomic stores.

mod bytes;
mod typed;

use core::sync::atomic;

use crate::{Dispatch, Error, Map};

/// A type that is nothing but its bytes, so that it may be written to persistent memory as they
/// are.
///
/// ```
/// use kpmem::{Granularity, Map, Pod};
///
/// #[derive(Clone, Copy)]
/// #[repr(C)]
/// struct Entry {
///     key: u64,
///     value: u64,
/// }
///
/// // SAFETY: two words, and no padding.
/// unsafe impl Pod for Entry {}
///
/// # let mut memory = vec![0_u64; 512];
/// # let base = memory.as_mut_ptr().cast::<u8>();
/// # // SAFETY: as for any map.
/// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
/// // SAFETY: nothing else uses the entry.
/// unsafe { map.write(base.cast(), Entry { key: 1, value: 2 })? };
/// # Ok::<(), kpmem::Error>(())
/// ```
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
///
/// ```
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use kpmem::Atomic;
///
/// fn publish<A: Atomic>(head: &A, value: A::Value) {
///     head.store_release(value); // Map::store does so, and persists it
/// }
///
/// let head = AtomicU64::new(0);
/// publish(&head, 42);
/// assert_eq!(head.load(Ordering::Acquire), 42);
/// ```
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
    /// ```
    /// # use kpmem::{Granularity, Map};
    /// # let mut memory = vec![0_u64; 512];
    /// # let base = memory.as_mut_ptr().cast::<u8>();
    /// # // SAFETY: as for any map.
    /// # let map = unsafe { Map::new(base, 4096, Granularity::Byte)? };
    /// // SAFETY: nothing else uses the first two words.
    /// let words = unsafe { &mut *base.cast::<[u64; 2]>() };
    /// words[0] = 1;
    /// map.persist_ref(&words[0])?;
    /// words[1] = 2;
    /// map.persist_slice(words)?;
    /// # Ok::<(), kpmem::Error>(())
    /// ```
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
}
