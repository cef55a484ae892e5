//! Files that are shorter than what is mapped of them: what is stored behind their end is lost, and
//! no sync says so.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use kpmem_vmm::{Backing, Error, Mapped, Mapping, Policy, Volatile, map_file};
use vm_memory::{
    Bytes, FileOffset, VolatileMemory,
    bitmap::{AtomicBitmap, Bitmap},
    mmap::{MmapRegionBuilder, MmapRegionError},
};

use super::disk::file;

const PAGE: usize = 4096;
const POLICIES: [Policy; 3] = [Policy::Msync, Policy::Fdatasync, Policy::Ranges(3)];

#[test]
fn what_reaches_past_the_end_is_not_mapped() {
    for (bytes, start, len, is_mapped) in [
        (5000, 0, 5000, true),
        (5000, 0, 5001, false),
        (5000, 0, 2 * PAGE, false),
        (2 * PAGE, PAGE, PAGE, true),
        (2 * PAGE, PAGE, PAGE + 1, false),
        (PAGE, 4 * PAGE, 1, false),
        (0, 0, 1, false),
        (PAGE, 0, usize::MAX, false),
        (PAGE, PAGE, usize::MAX, false),
    ] {
        let file = FileOffset::new(file(bytes), start as u64);
        // With marks, which would be made for so many bytes.
        match map_file::<AtomicBitmap>(file, len) {
            Ok(_) => assert!(is_mapped, "{len} bytes at {start} of {bytes}"),
            Err(MmapRegionError::MappingPastEof) => assert!(!is_mapped),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Who maps by vm-memory's own means is told as well.
#[test]
fn a_region_that_reaches_past_the_end_is_no_mapping() {
    for (len, expected) in [
        (5000, Ok(())),
        (
            2 * PAGE,
            Err(Volatile::PastEnd {
                file: 5000,
                region: 8192,
            }),
        ),
    ] {
        let region = MmapRegionBuilder::<()>::new(len)
            .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
            .with_mmap_flags(libc::MAP_SHARED)
            .with_file_offset(FileOffset::new(file(5000), 0))
            .build();
        let region = Arc::new(region.unwrap());
        for policy in POLICIES {
            let made = Mapping::new(Arc::clone(&region), policy).map(drop);
            assert_eq!(made, expected);
        }
    }
}

fn is_shorter(result: Result<(), Error>) {
    let error = result.unwrap_err();
    let Error::Sync { source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("ends at byte 0x1388"), "{error}");
}

#[test]
fn each_sync_of_a_file_that_became_shorter_is_an_error() {
    for policy in POLICIES {
        let file = file(4 * PAGE);
        let other = file.try_clone().unwrap();
        let region = map_file::<AtomicBitmap>(FileOffset::new(file, 0), 4 * PAGE);
        let region = Arc::new(region.unwrap());
        let mapping = Arc::new(Mapping::new(Arc::clone(&region), policy).unwrap());
        let mut backing = Mapped::new(Arc::clone(&mapping));
        mapping.write(6000, b"durable").unwrap();
        backing.sync().unwrap();

        other.set_len(5000).unwrap();
        // In the last page of the file, but behind its end.
        is_shorter(mapping.write(6000, b"lost"));
        is_shorter(mapping.persist(6000, 4));
        is_shorter(mapping.persist_all());
        let slice = region.as_volatile_slice();
        slice.write_slice(b"lost, too", 6000).unwrap();
        is_shorter(mapping.persist_dirty().map(drop));
        assert!(region.bitmap().dirty_at(6000));
        let flush: io::Error = backing.sync().unwrap_err();
        assert_eq!(flush.kind(), ErrorKind::UnexpectedEof);

        other.set_len(4 * PAGE as u64).unwrap();
        backing.sync().unwrap();
    }
}

#[test]
fn what_is_there_to_be_read_only_is_not_written() {
    let bytes = file(PAGE);
    let region = MmapRegionBuilder::<()>::new(PAGE)
        .with_mmap_prot(libc::PROT_READ)
        .with_mmap_flags(libc::MAP_SHARED)
        .with_file_offset(FileOffset::new(bytes, 0))
        .build();
    let mapping = Mapping::new(Arc::new(region.unwrap()), Policy::Msync).unwrap();
    // Another process may have it for writing.
    mapping.persist_all().unwrap();
    assert!(matches!(mapping.write(5, b"no"), Err(Error::ReadOnly)));
}
