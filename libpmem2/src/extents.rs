//! Where on its device a file lies, and which bytes of a device are bad: joined, which bytes of the
//! file are.

use std::{ops::Range, os::fd::BorrowedFd, path::Path};

use rustix::{
    io::Errno,
    ioctl::{Opcode, Updater, ioctl, opcode},
};

use crate::{
    failure::{Failure, Result},
    sysfs,
};

/// What sysfs counts bad blocks and partitions in.
const SECTOR: u64 = 512;

/// A part of a file that lies in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) in_file: u64,
    pub(crate) on_device: u64,
    pub(crate) len: u64,
}

/// The bad bytes of a block device or a region, by its folder in sysfs; of a partition, counted
/// from its own start.
pub(crate) fn bad_bytes(folder: &Path) -> Result<Vec<Range<u64>>> {
    let partition = sysfs::read(&folder.join("partition"))?.is_some();
    let (list, start) = if partition {
        let start = sysfs::read(&folder.join("start"))?;
        let disk = folder.canonicalize();
        let disk = disk.map_err(|error| sysfs::failed(folder, &error))?;
        let list = disk.parent().map(|disk| disk.join("badblocks"));
        let start = start.and_then(|text| text.parse().ok()).unwrap_or(0);
        (list.unwrap_or_default(), start)
    } else {
        (folder.join("badblocks"), 0)
    };
    let text = sysfs::read(&list)?.unwrap_or_default();
    Ok(text.lines().filter_map(|line| range(line, start)).collect())
}

/// A line `START COUNT`, in sectors.
fn range(line: &str, from: u64) -> Option<Range<u64>> {
    let (start, count) = line.trim().split_once(' ')?;
    let (start, count): (u64, u64) = (start.parse().ok()?, count.parse().ok()?);
    let end = start.checked_add(count)?.checked_sub(from)?;
    let start = start.saturating_sub(from);
    Some(start.checked_mul(SECTOR)?..end.checked_mul(SECTOR)?)
}

/// The parts of a file that are bad, as ranges in the file, in order.
pub(crate) fn bad_parts(bad: &[Range<u64>], extents: &[Extent]) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    for extent in extents {
        let end = extent.on_device.saturating_add(extent.len);
        for range in bad {
            let (first, behind) = (range.start.max(extent.on_device), range.end.min(end));
            if first < behind {
                let at = |on_device| extent.in_file + (on_device - extent.on_device);
                parts.push(at(first)..at(behind));
            }
        }
    }
    parts.sort_by_key(|part| part.start);
    parts
}

/// `struct fiemap` of linux/fiemap.h, without its extents.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    room: u32,
    reserved: u32,
}

/// `struct fiemap_extent`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_too: [u32; 3],
}

const AT_ONCE: usize = 64;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Question {
    header: Header,
    found: [Found; AT_ONCE],
}

/// `FS_IOC_FIEMAP`: its number is of the header's size.
const FIEMAP: Opcode = opcode::read_write::<Header>(b'f', 11);
/// `FIEMAP_FLAG_SYNC`: what is not allocated yet, is first.
const SYNC: u32 = 1;
/// `FIEMAP_EXTENT_LAST`.
const LAST: u32 = 1;

/// Where a file lies.
pub(crate) fn extents_of(file: BorrowedFd<'_>) -> Result<Vec<Extent>> {
    let mut extents = Vec::new();
    let mut start = 0;
    loop {
        let header = Header {
            start,
            length: u64::MAX - start,
            flags: SYNC,
            room: AT_ONCE as u32,
            ..Header::default()
        };
        let mut question = Question {
            header,
            found: [Found::default(); AT_ONCE],
        };
        // SAFETY: the kernel writes to the header and to as many extents as there is room for.
        let answer = unsafe { ioctl(file, Updater::<FIEMAP, Question>::new(&mut question)) };
        match answer {
            Ok(()) => {}
            // A file system without extents, such as tmpfs, is on no device that could be bad.
            Err(Errno::OPNOTSUPP | Errno::NOTTY) => return Ok(extents),
            Err(error) => return Err(Failure::of_call("ioctl FIEMAP", error)),
        }
        let found = question.found.iter().take(question.header.mapped as usize);
        let before = extents.len();
        extents.extend(found.clone().map(|found| Extent {
            in_file: found.logical,
            on_device: found.physical,
            len: found.length,
        }));
        let ended = found.clone().any(|found| found.flags & LAST != 0);
        match extents.last() {
            Some(last) if !ended && extents.len() > before => start = last.in_file + last.len,
            _ => return Ok(extents),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, ops::Range, os::fd::AsFd};

    use super::{Extent, bad_bytes, bad_parts, extents_of};

    #[test]
    fn bad_sectors_of_a_partition_count_from_its_start() {
        let dir = tempfile::tempdir().unwrap();
        let (disk, part) = (dir.path(), dir.path().join("pmem0p1"));
        fs::create_dir(&part).unwrap();
        assert_eq!(bad_bytes(disk).unwrap(), []);
        fs::write(disk.join("badblocks"), "8 2\n100 1\nnonsense\n").unwrap();
        assert_eq!(bad_bytes(disk).unwrap(), [4096..5120, 51200..51712]);
        fs::write(part.join("partition"), "1\n").unwrap();
        fs::write(part.join("start"), "9\n").unwrap();
        assert_eq!(bad_bytes(&part).unwrap(), [0..512, 46592..47104]);
    }

    #[test]
    fn bad_parts_are_where_extents_are_bad() {
        let extent = |in_file, on_device, len| Extent {
            in_file,
            on_device,
            len,
        };
        let extents = [extent(0, 8192, 4096), extent(4096, 0, 4096)];
        let parts = |bad: Range<u64>| bad_parts(std::slice::from_ref(&bad), &extents);
        assert_eq!(parts(8192..8704), vec![Range { start: 0, end: 512 }]);
        assert_eq!(parts(3584..8704), [0..512, 7680..8192]);
        assert_eq!(parts(4096..8192), []);
        assert_eq!(parts(0..u64::MAX), [0..4096, 4096..8192]);
    }

    #[test]
    fn extents_cover_what_was_written() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 10_000]).unwrap();
        let extents = extents_of(file.as_fd()).unwrap();
        // tmpfs has none.
        if let Some(last) = extents.last() {
            assert_eq!(extents[0].in_file, 0);
            assert!(last.in_file + last.len >= 10_000);
        }
    }
}
