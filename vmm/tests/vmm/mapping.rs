//! One mapping: what makes it durable, which ranges, and what becomes of its marks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use kpmem::{Lines, Table};
use kpmem_vmm::{Backing, DirtyPages, Error, Mapped, Mapping, Persist, PersistentMemory, Tracked};
use vm_memory::{
    Bytes, GuestAddress, GuestMemoryMmap, GuestRegionMmap, MmapRegion, VolatileMemory,
    bitmap::{AtomicBitmap, Bitmap},
};

use super::disk::{Disk, Mood, region};

#[path = "../common/mod.rs"]
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
    events
        .iter()
        .filter(|event| **event == Event::Drain)
        .count()
}

#[test]
fn ranges_are_whole_pages_for_the_host() {
    let (mapping, disk) = Disk::<()>::mapping(SIZE, 0);
    for (offset, len, synced) in [
        (0, 1, 0..PAGE),
        (PAGE + 5, 10, PAGE..2 * PAGE),
        (PAGE - 1, 2, 0..2 * PAGE),
        (2 * PAGE, PAGE, 2 * PAGE..3 * PAGE),
        (SIZE - 1, 1, SIZE - PAGE..SIZE),
        (0, SIZE, 0..SIZE),
    ] {
        mapping.persist(offset, len).unwrap();
        assert_eq!(disk.calls(), [synced]);
    }
    mapping.persist(5, 0).unwrap();
    mapping.persist(SIZE, 0).unwrap();
    assert_eq!(disk.calls(), []);
    // Where it ends, the last page may be a part of one.
    let (mapping, disk) = Disk::<()>::mapping(5000, 0);
    mapping.persist(4500, 1).unwrap();
    assert_eq!(disk.calls(), [PAGE..5000]);
}

#[test]
fn a_range_that_is_not_inside_is_refused_and_nothing_is_synced() {
    let (mapping, disk) = Disk::<()>::mapping(SIZE, 0);
    for (offset, len) in [
        (SIZE, 1),
        (0, SIZE + 1),
        (SIZE + 1, 0),
        (1, usize::MAX),
        (usize::MAX, 2),
    ] {
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
fn lines_of_several_regions_share_one_fence() {
    let mappings = [(); 2].map(|()| Arc::new(by_lines::<()>()));
    let regions = mappings
        .iter()
        .zip([0, SIZE as u64])
        .map(|(mapping, start)| {
            let region = Arc::clone(mapping.region());
            GuestRegionMmap::with_arc(region, GuestAddress(start)).unwrap()
        });
    let memory = GuestMemoryMmap::from_regions(regions.collect()).unwrap();
    let memory = PersistentMemory::with_mappings(memory, &mappings);
    recorded();
    memory.persist(GuestAddress(SIZE as u64 - 1), 2).unwrap();
    let base = |index: usize| mappings[index].region().as_ptr().addr();
    let lines = [base(0) + SIZE - 64, base(1)].map(Event::WriteBack);
    assert_eq!(recorded(), [lines[0], lines[1], Event::Drain]);
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

/// A bitmap of less than the region knows nothing of what is behind it.
#[test]
fn marks_of_a_part_are_no_marks() {
    use vm_memory::mmap::MmapRegionBuilder;
    for bytes in [0, PAGE, SIZE - PAGE, SIZE - 1] {
        let marks = Tracked::new(bytes, ());
        let region = MmapRegionBuilder::new_with_bitmap(SIZE, marks)
            .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
            .with_mmap_flags(libc::MAP_ANONYMOUS | libc::MAP_PRIVATE)
            .build();
        let disk = Disk::of(Arc::new(region.unwrap()));
        let mapping = Mapping::with_host(Arc::clone(disk.region()), Arc::clone(&disk), 4);
        let slice = mapping.region().as_volatile_slice();
        slice.write_slice(&[1], SIZE - 1).unwrap();
        assert_eq!(mapping.persist_dirty().unwrap(), SIZE);
        assert!(disk.keeps(0..SIZE), "with marks of {bytes} bytes");
        let tell = |mark: &mut dyn FnMut(usize, usize)| {
            mark(SIZE - 1, 1);
            Ok(())
        };
        slice.write_slice(&[2], SIZE - 1).unwrap();
        let mut backing = Mapped::with_log(Arc::new(mapping), tell);
        backing.sync().unwrap();
        assert!(disk.keeps(0..SIZE), "with marks of {bytes} bytes");
    }
}

#[test]
fn what_is_written_by_kpmem_is_durable_and_marked() {
    let (mapping, disk) = Disk::<AtomicBitmap>::mapping(SIZE, 1);
    mapping.write(PAGE - 4, b"durable!").unwrap();
    assert!(disk.keeps(0..SIZE));
    assert_eq!(disk.calls(), vec![0..2 * PAGE]);
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
            assert_eq!(
                disk.calls().len(),
                1,
                "after the first nothing more is tried"
            );
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
    region
        .as_volatile_slice()
        .write_slice(&[1], 3 * PAGE)
        .unwrap();
    mapping.persist_dirty().unwrap();
    assert!(region.bitmap().dirty_at(3 * PAGE) && !region.bitmap().dirty_at(0));
}

/// Who finds no marks, as another thread has taken them, is not back before that one is done.
#[test]
fn callers_take_turns() {
    let (begun, begins) = std::sync::mpsc::channel();
    #[derive(Debug)]
    struct Slow(std::sync::mpsc::Sender<()>, AtomicBool);
    impl kpmem_vmm::Host for Slow {
        fn sync_range(&self, _offset: usize, _len: usize) -> std::io::Result<()> {
            self.0.send(()).unwrap();
            thread::sleep(Duration::from_millis(100));
            self.1.store(true, Ordering::SeqCst);
            Ok(())
        }

        fn sync_all(&self) -> std::io::Result<()> {
            self.sync_range(0, 1)
        }
    }
    let slow = Arc::new(Slow(begun, AtomicBool::new(false)));
    let region = region::<AtomicBitmap>(SIZE);
    let mapping = Mapping::with_host(Arc::clone(&region), Arc::clone(&slow), 1);
    region.as_volatile_slice().write_slice(&[1], 0).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| mapping.persist_dirty().unwrap());
        begins.recv().unwrap();
        assert_eq!(mapping.persist_dirty().unwrap(), 0);
        assert!(
            slow.1.load(Ordering::SeqCst),
            "the other's sync was still under way"
        );
    });
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
