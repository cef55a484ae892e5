//! Copies to and from a source that survive bad blocks: the kernel makes them, and catches the
//! machine check.

use std::{
    ffi::{c_int, c_void},
    mem::MaybeUninit,
    os::fd::BorrowedFd,
    slice,
};

use rustix::io::{Errno, pread, pwrite};

use crate::{
    codes,
    failure::{Failure, Result, answer},
    source::{Backing, Source},
};

/// The file, if these bytes are in it.
fn file(source: &Source, size: usize, offset: usize) -> Result<BorrowedFd<'_>> {
    let (file, length) = match (source.backing, source.file()) {
        (Backing::File(_), Some(file)) => (file, source.size()?),
        // It has no read and write, and a program cannot return from a load that faults without
        // taking SIGBUS away from everybody else.
        (Backing::Device(_), _) => return Err(codes::NOSUPP.into()),
        _ => return Err(codes::SOURCE_TYPE_NOT_SUPPORTED.into()),
    };
    if offset.checked_add(size).is_none_or(|end| end > length) {
        let text = format!("{size:#x} bytes at {offset:#x} are not in the {length:#x} of the file");
        return Err(Failure::new(codes::LENGTH_OUT_OF_RANGE, text));
    }
    Ok(file)
}

/// Copies in as many parts as the kernel likes to.
fn in_parts(
    call: &str,
    size: usize,
    mut part: impl FnMut(usize) -> rustix::io::Result<usize>,
) -> Result<()> {
    let mut done = 0;
    while done < size {
        done += match part(done) {
            // The file was made shorter meanwhile.
            Ok(0) => return Err(codes::LENGTH_OUT_OF_RANGE.into()),
            Ok(count) => count,
            Err(Errno::INTR) => 0,
            Err(Errno::IO | Errno::HWPOISON) => return Err(codes::IO_FAIL.into()),
            Err(error) => return Err(Failure::of_call(call, error)),
        };
    }
    Ok(())
}

/// Reads from a file.
///
/// # Safety
/// `source` must be a source, and `buffer` valid for writes of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_pread_mcsafe(
    source: *const Source,
    buffer: *mut c_void,
    size: usize,
    offset: usize,
) -> c_int {
    // SAFETY: the caller's.
    let source = unsafe { &*source };
    answer(file(source, size, offset).and_then(|file| {
        in_parts("pread", size, |done| {
            // SAFETY: the caller's.
            let rest = unsafe {
                let rest = buffer.cast::<MaybeUninit<u8>>().add(done);
                slice::from_raw_parts_mut(rest, size - done)
            };
            pread(file, rest, (offset + done) as u64).map(|(read, _)| read.len())
        })
    }))
}

/// Writes to a file.
///
/// # Safety
/// `source` must be a source, and `buffer` valid for reads of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_pwrite_mcsafe(
    source: *const Source,
    buffer: *const c_void,
    size: usize,
    offset: usize,
) -> c_int {
    // SAFETY: the caller's.
    let source = unsafe { &*source };
    answer(file(source, size, offset).and_then(|file| {
        in_parts("pwrite", size, |done| {
            // SAFETY: the caller's.
            let rest = unsafe { slice::from_raw_parts(buffer.cast::<u8>().add(done), size - done) };
            pwrite(file, rest, (offset + done) as u64)
        })
    }))
}
