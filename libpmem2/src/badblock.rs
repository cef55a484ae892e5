//! Bad blocks of a source: what the kernel has found in it that can be read no more.

use std::{ffi::c_int, ops::Range, os::fd::BorrowedFd, ptr::null_mut};

use rustix::fs::{FallocateFlags, fallocate};

use crate::{
    codes,
    extents::{bad_bytes, bad_parts, extents_of},
    failure::{Failure, Result, answer},
    source::{Backing, Source},
    sysfs::Sysfs,
};

/// `struct pmem2_badblock`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BadBlock {
    offset: usize,
    length: usize,
}

/// `struct pmem2_badblock_context`.
#[derive(Debug)]
pub struct Context {
    /// None: a DAX device.
    file: Option<c_int>,
    blocks: std::vec::IntoIter<Range<u64>>,
}

impl Context {
    fn new(source: &Source) -> Result<Self> {
        let sysfs = Sysfs::system();
        let (file, blocks) = match (source.backing, source.file()) {
            (Backing::File(number), Some(file)) => {
                let bad = bad_bytes(&sysfs.block(number))?;
                let parts = if bad.is_empty() {
                    Vec::new()
                } else {
                    bad_parts(&bad, &extents_of(file)?)
                };
                (Some(std::os::fd::AsRawFd::as_raw_fd(&file)), parts)
            }
            (Backing::Device(_), _) => (None, of_device(&sysfs, source)?),
            _ => return Err(codes::NOSUPP.into()),
        };
        let blocks = blocks.into_iter();
        Ok(Self { file, blocks })
    }
}

/// The bad parts of a DAX device, which lies in one piece in its region.
fn of_device(sysfs: &Sysfs, source: &Source) -> Result<Vec<Range<u64>>> {
    let Backing::Device(number) = source.backing else {
        return Ok(Vec::new());
    };
    let region = sysfs.region_of(source.backing);
    let folder = sysfs.region(&region.ok_or(codes::DAX_REGION_NOT_FOUND)?);
    let bad = bad_bytes(&folder)?;
    if bad.is_empty() {
        return Ok(bad);
    }
    let start = crate::sysfs::read(&folder.join("resource"))?;
    let start = start.and_then(|text| crate::sysfs::parse(&text));
    let start = start.ok_or(codes::CANNOT_READ_BOUNDS)?;
    let into = sysfs.dax_start(number)?.checked_sub(start);
    let extent = crate::extents::Extent {
        in_file: 0,
        on_device: into.ok_or(codes::CANNOT_READ_BOUNDS)? as u64,
        len: source.size()? as u64,
    };
    Ok(bad_parts(&bad, &[extent]))
}

/// Finds the bad blocks of a source.
///
/// # Safety
/// `context` must be valid for a write; the source's file must be open as long as the context is
/// used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_badblock_context_new(
    context: *mut *mut Context,
    source: *const Source,
) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let made = Context::new(&*source).map(|made| Box::into_raw(Box::new(made)));
        *context = *made.as_ref().unwrap_or(&null_mut());
        answer(made.map(|_| ()))
    }
}

/// Deletes a context and sets the pointer to null; of null nothing is done.
///
/// # Safety
/// `context` must be valid, and hold null or a context that nobody else uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_badblock_context_delete(context: *mut *mut Context) {
    // SAFETY: the caller's: `pmem2_badblock_context_new` made it of a box.
    unsafe {
        if !(*context).is_null() {
            drop(Box::from_raw(*context));
            *context = null_mut();
        }
    }
}

/// The next bad block; `PMEM2_E_NO_BAD_BLOCK_FOUND` after the last.
///
/// # Safety
/// `context` must be a context, and `block` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_badblock_next(context: *mut Context, block: *mut BadBlock) -> c_int {
    // SAFETY: the caller's.
    let next = unsafe { (*context).blocks.next() };
    answer(match next {
        Some(range) => {
            let found = BadBlock {
                offset: range.start as usize,
                length: (range.end - range.start) as usize,
            };
            // SAFETY: the caller's.
            unsafe { *block = found };
            Ok(())
        }
        None => Err(codes::NO_BAD_BLOCK_FOUND.into()),
    })
}

fn clear(context: &Context, block: BadBlock) -> Result<()> {
    let signed = |value, code| i64::try_from(value).map_err(|_| Failure::from(code));
    let offset = signed(block.offset, codes::OFFSET_OUT_OF_RANGE)? as u64;
    let length = signed(block.length, codes::LENGTH_OUT_OF_RANGE)? as u64;
    // A device is cleared by a command to its NVDIMMs, for which the kernel has no file.
    let file = context.file.ok_or(codes::NOSUPP)?;
    // SAFETY: the caller of `pmem2_badblock_context_new` keeps it open.
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    let keep = FallocateFlags::KEEP_SIZE;
    for how in [FallocateFlags::PUNCH_HOLE | keep, keep] {
        fallocate(file, how, offset, length)
            .map_err(|error| Failure::of_call("fallocate", error))?;
    }
    Ok(())
}

/// Puts other blocks, of zeroes, in the place of a bad one in a file.
///
/// # Safety
/// `context` must be a context, and `block` valid for a read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_badblock_clear(
    context: *mut Context,
    block: *const BadBlock,
) -> c_int {
    // SAFETY: the caller's.
    unsafe { answer(clear(&*context, *block)) }
}
