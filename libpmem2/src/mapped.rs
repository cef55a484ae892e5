//! Address space, and what is mapped there.

use std::{
    ffi::c_void,
    os::fd::BorrowedFd,
    ptr::{null, null_mut},
};

use rustix::{
    io::Errno,
    mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap},
    param::page_size,
};

use crate::{
    codes,
    failure::{Failure, Result},
    reserved::Reservation,
};

/// A page of the page tables' second level: maps that are larger begin with one, so that the kernel
/// may map them by it.
const HUGE: usize = 2 << 20;
/// One of the third.
const GIGANTIC: usize = 1 << 30;

/// What a map of `len` bytes is aligned to, in address space.
pub(crate) fn alignment_for(len: usize) -> usize {
    if len >= 2 * GIGANTIC {
        GIGANTIC
    } else if len >= 2 * HUGE {
        HUGE
    } else {
        page_size()
    }
}

/// Whole pages of address space that are ours: who drops it unmaps what is there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) base: *mut u8,
    pub(crate) len: usize,
    /// The reservation that it is a part of, which keeps the address space; or null.
    pub(crate) reservation: *const Reservation,
}

impl Place {
    /// Anywhere.
    pub(crate) fn anywhere(len: usize, alignment: usize) -> Result<Self> {
        let spare = alignment.saturating_sub(page_size());
        let all = len.checked_add(spare).ok_or_else(Failure::no_memory)?;
        let base = hold(null_mut(), all, MapFlags::empty())?;
        let skip = base.addr().wrapping_neg() & (alignment - 1);
        // SAFETY: both parts are ours, and nothing is there. Where the kernel does not unmap them,
        // address space is lost and nothing else.
        unsafe {
            let _ = unmap(base, skip);
            let _ = unmap(base.add(skip + len), spare - skip);
            Ok(Self {
                base: base.add(skip),
                len,
                reservation: null(),
            })
        }
    }

    /// Maps a file there, or nothing but zeroes. True if stores go to persistent memory, and a file
    /// system's own data is durable when they can be made (`MAP_SYNC`).
    pub(crate) fn fill(&self, content: &Content<'_>) -> Result<bool> {
        let Some(file) = content.file else {
            let flags = content.sharing() | MapFlags::FIXED;
            // SAFETY: the place is ours, and nothing refers to it yet.
            let done =
                unsafe { mmap_anonymous(self.base.cast(), self.len, content.protection, flags) };
            return done
                .map(|_| false)
                .map_err(|error| Failure::of_call("mmap", error));
        };
        let map = |flags| {
            let at = self.base.cast();
            let flags = flags | MapFlags::FIXED;
            // SAFETY: as above.
            unsafe {
                mmap(
                    at,
                    self.len,
                    content.protection,
                    flags,
                    file,
                    content.offset as u64,
                )
            }
        };
        if !content.private {
            match map(MapFlags::SHARED_VALIDATE | MapFlags::SYNC) {
                Ok(_) => return Ok(true),
                Err(Errno::OPNOTSUPP | Errno::INVAL) => {}
                Err(error) => return Err(Failure::of_call("mmap with MAP_SYNC", error)),
            }
        }
        map(content.sharing())
            .map(|_| false)
            .map_err(|error| Failure::of_call("mmap", error))
    }

    /// Unmaps what is there, and reports an error.
    pub(crate) fn leave(self) -> Result<()> {
        let this = std::mem::ManuallyDrop::new(self);
        this.clear()
    }

    fn clear(&self) -> Result<()> {
        // SAFETY: it lives as long as what is in it: `pmem2_map_new` has its caller vouch for that.
        if let Some(reservation) = unsafe { self.reservation.as_ref() } {
            hold(self.base, self.len, MapFlags::FIXED)?;
            reservation.take_back(self.base);
            return Ok(());
        }
        // SAFETY: the place is ours, and who gives it up uses nothing that is there.
        unsafe { unmap(self.base, self.len) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.clear();
    }
}

/// What is mapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'a> {
    /// None: zeroes that nothing backs.
    pub(crate) file: Option<BorrowedFd<'a>>,
    pub(crate) offset: usize,
    pub(crate) private: bool,
    pub(crate) protection: ProtFlags,
}

impl Content<'_> {
    fn sharing(&self) -> MapFlags {
        if self.private {
            MapFlags::PRIVATE
        } else {
            MapFlags::SHARED
        }
    }
}

/// Takes address space in which no access is allowed: at an address, if `how` is `FIXED` (ours
/// already) or `FIXED_NOREPLACE`.
pub(crate) fn hold(at: *mut u8, len: usize, how: MapFlags) -> Result<*mut u8> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | how;
    // SAFETY: it takes what is free, or what the caller says is its own.
    let base = unsafe { mmap_anonymous(at.cast(), len, ProtFlags::empty(), flags) };
    let base = base
        .map_err(|error| match error {
            Errno::EXIST => codes::MAPPING_EXISTS.into(),
            error => Failure::of_call("mmap of address space", error),
        })?
        .cast::<u8>();
    if how.contains(MapFlags::FIXED_NOREPLACE) && base != at {
        // A kernel before 4.17 takes it for a hint.
        // SAFETY: it was just mapped.
        unsafe { unmap(base, len)? };
        return Err(codes::MAPPING_EXISTS.into());
    }
    Ok(base)
}

/// # Safety
/// The range must be the caller's, and nothing in it used any more.
pub(crate) unsafe fn unmap(base: *mut u8, len: usize) -> Result<()> {
    if len == 0 {
        return Ok(());
    }
    // SAFETY: the caller's.
    unsafe { munmap(base.cast::<c_void>(), len) }.map_err(|error| Failure::of_call("munmap", error))
}
