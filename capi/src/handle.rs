//! Values of the library's that live in memory of C's.
//!
//! C declares a struct of a stated size and alignment, and calls it by its address. A seal in its
//! first word says that a value is there, of which kind, and that it was made at this address: a
//! copy, an ended handle and memory that was never one are errors.

use core::ffi::c_int;

use crate::error::{KPMEM_E_ARGUMENT, KPMEM_E_HANDLE};

/// What C's struct holds.
#[repr(C)]
struct Sealed<T> {
    seal: usize,
    value: T,
}

/// A type whose values are held by a struct of C's.
pub(crate) trait Held: Sized {
    /// C's struct.
    type Handle;
    /// A number of its own.
    const KIND: usize;
    /// Bytes of C's struct, as the header states them.
    const SIZE: usize;
    /// C's struct is as stated, and has room. Named by each function, so that it is checked when
    /// the crate is compiled.
    const FITS: () = assert!(
        size_of::<Self::Handle>() == Self::SIZE
            && size_of::<Sealed<Self>>() <= Self::SIZE
            && align_of::<Sealed<Self>>() <= align_of::<Self::Handle>()
    );
}

const fn seal<T: Held>(address: usize) -> usize {
    // "kpmem" and the kind, so that no pointer or small number is one.
    (0x6b70_6d65_6d00_0000 | T::KIND) ^ address
}

/// Puts a value into a struct of C's, whatever it held.
///
/// # Safety
/// `handle` is null or C's struct, which nothing else uses.
pub(crate) unsafe fn put<T: Held>(handle: *mut T::Handle, value: T) -> Result<(), c_int> {
    const { T::FITS };
    let sealed = at::<T>(handle)?.cast_mut();
    // SAFETY: there is room, as `FITS` says; the caller vouches for the rest.
    unsafe {
        (&raw mut (*sealed).value).write(value);
        (&raw mut (*sealed).seal).write(seal::<T>(sealed.addr()));
    }
    Ok(())
}

/// The value in a struct of C's.
///
/// # Safety
/// `handle` is null or points to C's struct, which may hold anything, and which nothing puts
/// another value into or ends meanwhile.
pub(crate) unsafe fn get<'a, T: Held>(handle: *const T::Handle) -> Result<&'a T, c_int> {
    // SAFETY: the caller's; `put` made the value.
    unsafe { Ok(&(*sealed::<T>(handle)?).value) }
}

/// The same, to change.
///
/// # Safety
/// As for [`get`], and nothing else uses the handle meanwhile.
pub(crate) unsafe fn get_mut<'a, T: Held>(handle: *mut T::Handle) -> Result<&'a mut T, c_int> {
    // SAFETY: the caller's; `put` made the value.
    unsafe { Ok(&mut (*sealed::<T>(handle)?.cast_mut()).value) }
}

/// Takes the value out: the handle is none any more.
///
/// # Safety
/// As for [`get_mut`].
pub(crate) unsafe fn take<T: Held>(handle: *mut T::Handle) -> Result<T, c_int> {
    // SAFETY: the caller's; the value is read once, as the seal is broken.
    unsafe {
        let sealed = sealed::<T>(handle)?.cast_mut();
        (&raw mut (*sealed).seal).write(0);
        Ok((&raw const (*sealed).value).read())
    }
}

/// Where the value is, if there is one.
///
/// # Safety
/// `handle` is null or points to C's struct, which may hold anything.
unsafe fn sealed<T: Held>(handle: *const T::Handle) -> Result<*const Sealed<T>, c_int> {
    const { T::FITS };
    let sealed = at::<T>(handle)?;
    // SAFETY: readable, as the caller vouches; it is a number, whatever it is.
    if unsafe { (&raw const (*sealed).seal).read() } != seal::<T>(sealed.addr()) {
        return Err(KPMEM_E_HANDLE);
    }
    Ok(sealed)
}

/// Where it would be.
fn at<T: Held>(handle: *const T::Handle) -> Result<*const Sealed<T>, c_int> {
    if handle.is_null() || !handle.is_aligned() {
        return Err(KPMEM_E_HANDLE);
    }
    Ok(handle.cast())
}

/// What C points to, if anything.
///
/// # Safety
/// `ptr` is null or points to a value that does not change for `'a`.
pub(crate) unsafe fn read<'a, T>(ptr: *const T) -> Result<&'a T, c_int> {
    if !ptr.is_aligned() {
        return Err(KPMEM_E_ARGUMENT);
    }
    // SAFETY: the caller's.
    unsafe { ptr.as_ref() }.ok_or(KPMEM_E_ARGUMENT)
}

/// Writes an answer to where C wants it.
///
/// # Safety
/// `to` is null or good for a value.
pub(crate) unsafe fn answer<T>(to: *mut T, value: T) -> Result<(), c_int> {
    if to.is_null() || !to.is_aligned() {
        return Err(KPMEM_E_ARGUMENT);
    }
    // SAFETY: the caller's.
    unsafe { to.write(value) };
    Ok(())
}
