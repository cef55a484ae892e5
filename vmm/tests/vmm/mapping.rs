//! One mapping: what makes it durable, which ranges, and what becomes of its marks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::Arc,
};

use kpmem::{Lines, Table};
use kpmem_vmm::{DirtyPages, Error, Mapping, Policy, Tracked, Volatile, is_dax};
use vm_memory::{
    Bytes, FileOffset, MmapRegion, VolatileMemory,
    bitmap::{AtomicBitmap, Bitmap},
    mmap::MmapRegionBuilder,
};

use super::disk::{Disk, Mood, file, region};

#[path = "../../../tests/common/mod.rs"]
mod common;
use common::{Event, Recording, recorded};

const PAGE: usize = 4096;
const SIZE: usize = 32 * PAGE;

/// Writes no line back, and notes which should have been.
static RECORDING: Table = Table::of::<Lines<Recording, 64>>();

fn by_lines<B: vm_memory::bitmap::NewBitmap>() -> Mapping<B> {
    // SAFETY: nobody relies on these bytes.
    unsafe { Mapping::dax(region(SIZE), &RECORDING) }.unwrap()
}

fn written_back(events: &[Event], base: *mut u8) -> Vec<usize> {
    let offset = |event: &Event| match event {
        Event::WriteBack(line) => Some(line - base.addr()),
        _ => None,
    };
    events.iter().filter_map(offset).collect()
}

fn drains(events: &[Event]) -> usize {
    events.iter().filter(|event| **event == Event::Drain).count()
}

#[test]
fn ranges_are_whole_pages_for_the_host() {
    let (mapping, disk) = Disk::<()>::mapping(SIZE, 0);
    for (offset, len, synced) in [
        (0, 1, 0..1),
        (PAGE + 5, 10, PAGE..PAGE + 15),
        (PAGE - 1, 2, 0..PAGE + 1),
        (SIZE - 1, 1, SIZE - PAGE..SIZE),
        (0, SIZE, 0..SIZE),
    ] {
        mapping.persist(offset, len).unwrap();
        assert_eq!(disk.calls(), [synced]);
    }
    mapping.persist(5, 0).unwrap();
    mapping.persist(SIZE, 0).unwrap();
    assert_eq!(disk.calls(), []);
}

#[test]
fn a_range_that_is_not_inside_is_refused_and_nothing_is_synced() {
    let (mapping, disk) = Disk::<()>::mapping(SIZE, 0);
    for (offset, len) in [(SIZE, 1), (0, SIZE + 1), (SIZE + 1, 0), (1, usize::MAX), (usize::MAX, 2)]
    {
        let error = mapping.persist(offset, len).unwrap_err();
        assert!(matches!(error, Error::Outside { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{offset:#x}")));
    }
    assert!(mapping.write(SIZE - 1, b"ab").is_err());
    assert_eq!(disk.calls(), []);
}

#[test]
fn by_lines_each_line_is_written_back_once_before_one_fence() {
    let mapping = by_lines::<AtomicBitmap>();
    let base = mapping.region().as_ptr();
    recorded();
    mapping.persist(100, 60).unwrap();
    let events = recorded();
    assert_eq!(written_back(&events, base), [64, 128]);
    assert_eq!((drains(&events), events.last()), (1, Some(&Event::Drain)));

    let slice = mapping.region().as_volatile_slice();
    slice.write_slice(&[1; 10], 3 * PAGE - 5).unwrap();
    slice.write_slice(&[1; 10], 9 * PAGE).unwrap();
    assert_eq!(mapping.persist_dirty().unwrap(), 3 * PAGE);
    let events = recorded();
    let expected = (2 * PAGE..4 * PAGE).chain(9 * PAGE..10 * PAGE).step_by(64);
    assert_eq!(written_back(&events, base), expected.collect::<Vec<_>>());
    assert_eq!((drains(&events), events.last()), (1, Some(&Event::Drain)));
    assert_eq!(mapping.persist_dirty().unwrap(), 0);
    assert!(written_back(&recorded(), base).is_empty());
}

#[test]
fn without_marks_all_of_it_is_dirty() {
    let mapping = by_lines::<()>();
    recorded();
    assert_eq!(mapping.persist_dirty().unwrap(), SIZE);
    let lines = written_back(&recorded(), mapping.region().as_ptr());
    assert!(lines.into_iter().eq((0..SIZE).step_by(64)));
    let (mapping, disk) = Disk::<()>::mapping(SIZE, 9);
    assert_eq!(mapping.persist_dirty().unwrap(), SIZE);
    assert_eq!(disk.calls(), vec![0..SIZE]);
}

#[test]
fn what_is_written_by_kpmem_is_durable_and_marked() {
    let (mapping, disk) = Disk::<AtomicBitmap>::mapping(SIZE, 1);
    mapping.write(PAGE - 4, b"durable!").unwrap();
    assert!(disk.keeps(0..SIZE));
    assert_eq!(disk.calls(), vec![0..PAGE + 4]);
    let marks = mapping.region().bitmap();
    assert!(marks.dirty_at(0) && marks.dirty_at(PAGE) && !marks.dirty_at(2 * PAGE));

    let mapping = by_lines::<AtomicBitmap>();
    mapping.write(2 * PAGE + 1, b"by lines").unwrap();
    let mut back = [0; 8];
    let slice = mapping.region().as_volatile_slice();
    slice.read_slice(&mut back, 2 * PAGE + 1).unwrap();
    assert_eq!(&back, b"by lines");
    let marks = mapping.region().bitmap();
    assert!(!marks.dirty_at(PAGE) && marks.dirty_at(2 * PAGE) && !marks.dirty_at(3 * PAGE));
    mapping.write(SIZE, b"").unwrap();
}

#[test]
fn marks_are_taken_only_if_all_went_well() {
    for ranges in [0, 1, 2] {
        let (mapping, disk) = Disk::<AtomicBitmap>::mapping(SIZE, ranges);
        let marks = mapping.region().bitmap();
        let slice = mapping.region().as_volatile_slice();
        slice.write_slice(&[1], 3 * PAGE).unwrap();
        slice.write_slice(&[1], 5 * PAGE).unwrap();
        for mood in [Mood::Fails, Mood::Panics] {
            disk.mood(mood);
            let synced = catch_unwind(AssertUnwindSafe(|| mapping.persist_dirty()));
            match synced {
                Ok(result) => {
                    let error = result.unwrap_err();
                    assert!(error.to_string().contains("the disk is full"), "{error}");
                    assert_eq!(mood, Mood::Fails);
                }
                Err(_) => assert_eq!(mood, Mood::Panics),
            }
            assert!(marks.dirty_at(3 * PAGE) && marks.dirty_at(5 * PAGE) && !marks.dirty_at(0));
            disk.calls.clear_poison();
            disk.mood.clear_poison();
            assert_eq!(disk.calls().len(), 1, "after the first nothing more is tried");
        }
        disk.mood(Mood::Good);
        assert_eq!(mapping.persist_dirty().unwrap(), 2 * PAGE);
        assert!(disk.keeps(0..SIZE));
        assert!(marks.take(SIZE).unwrap().is_empty());
    }
}

/// A mark that is set while the host syncs is neither lost nor for nothing.
#[test]
fn marks_that_are_set_meanwhile_stay() {
    #[derive(Debug)]
    struct Busy(Arc<MmapRegion<AtomicBitmap>>);
    impl kpmem_vmm::Host for Busy {
        fn sync_range(&self, offset: usize, _len: usize) -> std::io::Result<()> {
            let slice = self.0.as_volatile_slice();
            slice.write_slice(&[2], offset + 7).unwrap();
            Ok(())
        }

        fn sync_all(&self) -> std::io::Result<()> {
            self.sync_range(0, 1)
        }
    }
    let region = region::<AtomicBitmap>(SIZE);
    let mapping = Mapping::with_host(Arc::clone(&region), Busy(Arc::clone(&region)), 1);
    region.as_volatile_slice().write_slice(&[1], 3 * PAGE).unwrap();
    mapping.persist_dirty().unwrap();
    assert!(region.bitmap().dirty_at(3 * PAGE) && !region.bitmap().dirty_at(0));
}

#[test]
fn a_migrations_marks_are_left_alone() {
    let (mapping, disk) = Disk::<Tracked<AtomicBitmap>>::mapping(SIZE, 4);
    let slice = mapping.region().as_volatile_slice();
    slice.write_slice(&[1], 3 * PAGE).unwrap();
    mapping.persist_dirty().unwrap();
    assert_eq!(disk.calls(), [3 * PAGE..4 * PAGE]);
    assert_eq!(mapping.region().bitmap().inner().get_and_reset(), [1 << 3]);
    assert_eq!(mapping.persist_dirty().unwrap(), 0);
}

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
    let memory: std::fs::File = unsafe { std::os::fd::FromRawFd::from_raw_fd(memory) };
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
    for flags in [libc::MAP_SHARED, libc::MAP_SHARED | libc::MAP_SYNC, libc::MAP_SHARED_VALIDATE] {
        assert!(!is_dax(&claims(flags)));
    }
    assert!(!ptr::eq(mapping.region().as_ptr(), ptr::null()));
}
