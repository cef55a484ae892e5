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
    pub(crate) fn fill(self, content: &Content<'_>) -> Result<(Self, bool)> {
        let synchronous = content.is_synchronous(self.len)?;
        // SAFETY: the place is ours, and nothing refers to it yet.
        match unsafe { content.map(self.base, self.len, synchronous, MapFlags::FIXED) } {
            Ok(_) => Ok((self, synchronous)),
            Err(error) => {
                self.lose();
                Err(Failure::of_call("mmap", error))
            }
        }
    }

    /// Forgets it after a call that failed: the kernel may have unmapped it before it did (mmap(2),
    /// `MAP_FIXED`), and then the address space may be somebody else's already.
    fn lose(self) {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: as in `clear`.
        if let Some(reservation) = unsafe { this.reservation.as_ref() } {
            // An error says that it wasn't unmapped.
            let _ = hold(this.base, this.len, MapFlags::FIXED_NOREPLACE);
            reservation.take_back(this.base);
        }
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
    /// Whether it can be mapped with `MAP_SYNC`. It is tried at an address that the kernel chooses:
    /// a map that fails at a fixed one has unmapped what was there.
    fn is_synchronous(&self, len: usize) -> Result<bool> {
        if self.private || self.file.is_none() {
            return Ok(false);
        }
        // SAFETY: it replaces nothing, and is unmapped at once.
        unsafe {
            match self.map(null_mut(), len, true, MapFlags::empty()) {
                Ok(tried) => unmap(tried.cast(), len).map(|()| true),
                Err(Errno::OPNOTSUPP | Errno::INVAL) => Ok(false),
                Err(error) => Err(Failure::of_call("mmap with MAP_SYNC", error)),
            }
        }
    }

    /// # Safety
    /// If `how` is `FIXED`, the range must be the caller's, and nothing may refer to it.
    unsafe fn map(
        &self,
        at: *mut u8,
        len: usize,
        synchronous: bool,
        how: MapFlags,
    ) -> std::result::Result<*mut c_void, Errno> {
        let flags = how
            | match (self.private, synchronous) {
                (true, _) => MapFlags::PRIVATE,
                (false, true) => MapFlags::SHARED_VALIDATE | MapFlags::SYNC,
                (false, false) => MapFlags::SHARED,
            };
        let (at, protection) = (at.cast(), self.protection);
        // SAFETY: the caller's.
        unsafe {
            match self.file {
                Some(file) => mmap(at, len, protection, flags, file, self.offset as u64),
                None => mmap_anonymous(at, len, protection, flags),
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        env,
        os::fd::AsFd,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    const LEN: usize = 1 << 16;

    /// A file system without DAX refuses `MAP_SYNC`, and the kernel has unmapped by then what was
    /// at a fixed address: another thread may have taken it.
    #[test]
    fn what_others_map_meanwhile_is_left_alone() {
        let here = env::current_exe().unwrap();
        let file = tempfile::tempfile_in(here.parent().unwrap()).unwrap();
        file.set_len(LEN as u64).unwrap();
        let content = Content {
            file: Some(file.as_fd()),
            offset: 0,
            private: false,
            protection: ProtFlags::READ | ProtFlags::WRITE,
        };
        let done = &AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let place = Place::anywhere(LEN, page_size()).unwrap();
                        place.fill(&content).unwrap();
                    }
                });
            }
            scope.spawn(|| {
                for round in 0..30_000_u32 {
                    let flags = MapFlags::PRIVATE;
                    // SAFETY: the range is used by nobody else, and no more when it is unmapped.
                    unsafe {
                        let ours = mmap_anonymous(null_mut(), LEN, content.protection, flags);
                        let ours = ours.unwrap().cast::<u32>();
                        ours.write_volatile(round);
                        (0..200).for_each(|_| std::hint::spin_loop());
                        let found = ours.read_volatile();
                        if found != round {
                            done.store(true, Ordering::Relaxed);
                        }
                        assert_eq!(found, round, "another's map is there");
                        unmap(ours.cast(), LEN).unwrap();
                    }
                }
                done.store(true, Ordering::Relaxed);
            });
        });
    }
}
