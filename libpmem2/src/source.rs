//! Sources: a file, a DAX device, or memory that nothing backs.

use std::{
    ffi::c_int,
    os::fd::{BorrowedFd, RawFd},
};

use rustix::{
    fs::{FileType, OFlags, fcntl_getfl, fstat, major, minor},
    param::page_size,
};

use crate::{
    codes,
    failure::{Failure, Result, answer},
    sysfs::{Number, Sysfs},
};

/// `struct pmem2_source`.
#[derive(Debug)]
pub struct Source {
    pub(crate) backing: Backing,
    /// Of a file.
    fd: RawFd,
    /// Of memory.
    size: usize,
}

/// What is behind a source, also once that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    Anonymous,
    /// A file, on this block device.
    File(Number),
    /// A DAX device.
    Device(Number),
}

impl Source {
    fn from_fd(fd: RawFd) -> Result<Self> {
        if fd < 0 {
            return Err(codes::INVALID_FILE_HANDLE.into());
        }
        // SAFETY: whether it is open is asked, and the caller keeps it so.
        let file = unsafe { BorrowedFd::borrow_raw(fd) };
        let invalid = |_| Failure::from(codes::INVALID_FILE_HANDLE);
        let mode = fcntl_getfl(file).map_err(invalid)? & OFlags::RWMODE;
        if mode == OFlags::WRONLY {
            return Err(codes::INVALID_FILE_HANDLE.into());
        }
        let stat = fstat(file).map_err(|error| Failure::of_call("fstat", error))?;
        let number = |device| Number {
            major: major(device),
            minor: minor(device),
        };
        let backing = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Backing::File(number(stat.st_dev)),
            FileType::CharacterDevice if Sysfs::system().is_dax(number(stat.st_rdev)) => {
                Backing::Device(number(stat.st_rdev))
            }
            _ => return Err(codes::INVALID_FILE_TYPE.into()),
        };
        let size = 0;
        Ok(Self { backing, fd, size })
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: the caller keeps it open as long as the source is used.
        (self.backing != Backing::Anonymous).then(|| unsafe { BorrowedFd::borrow_raw(self.fd) })
    }

    /// Whether a file is open for writing too.
    pub(crate) fn is_writable(&self) -> bool {
        let mode = self.file().and_then(|file| fcntl_getfl(file).ok());
        mode.is_none_or(|mode| mode & OFlags::RWMODE == OFlags::RDWR)
    }

    pub(crate) fn size(&self) -> Result<usize> {
        match (self.backing, self.file()) {
            (Backing::Device(number), _) => Sysfs::system().dax_size(number),
            (Backing::File(_), Some(file)) => {
                // It was open when the source was made.
                let stat = fstat(file).map_err(|_| Failure::from(codes::INVALID_FILE_HANDLE))?;
                usize::try_from(stat.st_size).map_err(|_| codes::INVALID_FILE_HANDLE.into())
            }
            _ => Ok(self.size),
        }
    }

    /// What offsets and lengths must be multiples of: a power of two.
    pub(crate) fn alignment(&self) -> Result<usize> {
        let alignment = match self.backing {
            Backing::Device(number) => Sysfs::system().dax_alignment(number)?,
            _ => page_size(),
        };
        if alignment.is_power_of_two() {
            Ok(alignment)
        } else {
            Err(codes::INVALID_ALIGNMENT_VALUE.into())
        }
    }
}

/// A source from an open file, which stays the caller's.
///
/// # Safety
/// `source` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_from_fd(source: *mut *mut Source, fd: c_int) -> c_int {
    // SAFETY: the caller's.
    unsafe { put(source, Source::from_fd(fd)) }
}

/// A source of `size` bytes that nothing backs.
///
/// # Safety
/// `source` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_from_anon(source: *mut *mut Source, size: usize) -> c_int {
    let made = Source {
        backing: Backing::Anonymous,
        fd: -1,
        size,
    };
    // SAFETY: the caller's.
    unsafe { put(source, Ok(made)) }
}

/// # Safety
/// `source` must be valid for a write.
unsafe fn put(source: *mut *mut Source, made: Result<Source>) -> c_int {
    let made = made.map(|made| Box::into_raw(Box::new(made)));
    answer(made.map(|made| {
        // SAFETY: the caller's.
        unsafe { *source = made };
    }))
}

/// Deletes a source and sets the pointer to null. Always 0; of null nothing is done.
///
/// # Safety
/// `source` must be valid, and hold null or a source that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_delete(source: *mut *mut Source) -> c_int {
    // SAFETY: the caller's: it was made by `put`.
    unsafe {
        if !(*source).is_null() {
            drop(Box::from_raw(*source));
            *source = std::ptr::null_mut();
        }
    }
    0
}

/// The file of a source.
///
/// # Safety
/// `source` must be a source, and `fd` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_get_fd(source: *const Source, fd: *mut c_int) -> c_int {
    // SAFETY: the caller's.
    let source = unsafe { &*source };
    answer(match source.backing {
        Backing::Anonymous => Err(codes::FILE_DESCRIPTOR_NOT_SET.into()),
        _ => {
            // SAFETY: the caller's.
            unsafe { *fd = source.fd };
            Ok(())
        }
    })
}

/// The size in bytes, as it is now.
///
/// # Safety
/// `source` must be a source, and `size` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_size(source: *const Source, size: *mut usize) -> c_int {
    // SAFETY: the caller's.
    answer(unsafe { (*source).size().map(|found| *size = found) })
}

/// What offset and length of a map must be multiples of.
///
/// # Safety
/// `source` must be a source, and `alignment` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_alignment(
    source: *const Source,
    alignment: *mut usize,
) -> c_int {
    // SAFETY: the caller's.
    answer(unsafe { (*source).alignment().map(|found| *alignment = found) })
}
