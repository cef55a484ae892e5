//! What the host's kernel is asked, and what it is not asked in vain.

use std::{fs::File, os::fd::FromRawFd, sync::Arc};

use kpmem_vmm::{Error, Mapping, Policy, Volatile, is_dax};
use vm_memory::{
    Bytes, FileOffset, VolatileMemory,
    bitmap::{AtomicBitmap, Bitmap},
    mmap::MmapRegionBuilder,
};

use super::disk::{file, region};

const PAGE: usize = 4096;
const SIZE: usize = 32 * PAGE;

#[test]
fn a_file_is_synced_by_the_system() {
    for policy in [Policy::Msync, Policy::Fdatasync, Policy::Ranges(1)] {
        let region = region::<AtomicBitmap>(SIZE);
        assert!(!is_dax(&region), "a file system of the tests' that is DAX");
        let mapping = Mapping::new(region, policy).unwrap();
        assert!(!mapping.is_by_lines());
        mapping.write(5, b"bytes").unwrap();
        mapping.persist(PAGE, 1).unwrap();
        mapping.persist_all().unwrap();
        mapping.persist_dirty().unwrap();
    }
}

/// An error of the system's, without a disk that breaks: `msync` of pages that are not mapped.
#[test]
fn what_the_system_says_is_told() {
    let region = region::<AtomicBitmap>(SIZE);
    let mapping = Mapping::new(Arc::clone(&region), Policy::Ranges(4)).unwrap();
    let slice = region.as_volatile_slice();
    slice.write_slice(&[1], 20 * PAGE).unwrap();
    let hole = region.as_ptr().wrapping_add(20 * PAGE);
    // SAFETY: a page of the region's that nobody uses after this, but by its address.
    assert_eq!(unsafe { libc::munmap(hole.cast(), PAGE) }, 0);
    mapping.persist(0, 1).unwrap();
    for error in [
        mapping.persist(20 * PAGE + 9, 1).unwrap_err(),
        mapping.persist_all().unwrap_err(),
        mapping.persist_dirty().map(drop).unwrap_err(),
    ] {
        let Error::Sync { source, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(source.raw_os_error(), Some(libc::ENOMEM));
    }
    assert!(region.bitmap().dirty_at(20 * PAGE));
}

#[test]
fn what_no_sync_makes_durable_is_refused() {
    let shared = libc::MAP_SHARED;
    let made = |flags, file: Option<FileOffset>| {
        let builder = MmapRegionBuilder::<()>::new(PAGE)
            .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
            .with_mmap_flags(flags);
        let builder = match file {
            Some(file) => builder.with_file_offset(file),
            None => builder,
        };
        let region = Arc::new(builder.build().unwrap());
        Mapping::new(region, Policy::Msync).map(drop)
    };
    let disk = || Some(FileOffset::new(file(PAGE), 0));
    assert_eq!(made(shared, disk()), Ok(()));
    assert_eq!(made(libc::MAP_PRIVATE, disk()), Err(Volatile::Private));
    let anonymous = shared | libc::MAP_ANONYMOUS;
    assert_eq!(made(anonymous, None), Err(Volatile::Anonymous));
    // SAFETY: a name that ends, and a number.
    let memory = unsafe { libc::memfd_create(c"ram".as_ptr(), 0) };
    assert!(memory >= 0);
    // SAFETY: just made, and nobody else's.
    let memory = unsafe { File::from_raw_fd(memory) };
    memory.set_len(PAGE as u64).unwrap();
    let memory = Some(FileOffset::new(memory, 0));
    assert_eq!(made(shared, memory), Err(Volatile::InMemory("tmpfs")));
}

/// There is no DAX file here; a region that says that it was mapped by MAP_SYNC is taken at its
/// word, and one that says so without validation is not.
#[test]
fn a_dax_mapping_is_known_by_its_flags() {
    let backing = region::<()>(PAGE);
    let claims = |flags| {
        let builder = MmapRegionBuilder::<()>::new(PAGE)
            .with_mmap_flags(flags)
            .with_file_offset(FileOffset::new(file(PAGE), 0));
        // SAFETY: the other region's memory, which lives.
        let builder = unsafe { builder.with_raw_mmap_pointer(backing.as_ptr()) };
        Arc::new(builder.build().unwrap())
    };
    let sync = claims(libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC);
    assert!(is_dax(&sync));
    let lines = kpmem::selected().is_ok();
    let mapping = Mapping::new(sync, Policy::Msync).unwrap();
    assert_eq!(mapping.is_by_lines(), lines);
    mapping.persist(0, PAGE).unwrap();
    for flags in [
        libc::MAP_SHARED,
        libc::MAP_SHARED | libc::MAP_SYNC,
        libc::MAP_SHARED_VALIDATE,
    ] {
        assert!(!is_dax(&claims(flags)));
    }
}
