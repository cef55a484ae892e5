//! Guest memory: ranges that span regions, holes, memory that is not persistent, marks.

use std::sync::Arc;

use kpmem_vmm::{Error, Mapping, Persist, PersistentMemory, Policy, Volatile};
use vm_memory::{
    Bytes, FileOffset, GuestAddress, GuestMemoryAtomic, GuestMemoryBackend, GuestMemoryMmap,
    GuestRegionMmap, bitmap::AtomicBitmap,
};

use super::disk::{Disk, Mood, file};

const PAGE: usize = 4096;
/// RAM, two persistent regions that touch, a hole, a third one.
const RAM: u64 = 0;
const FIRST: u64 = 0x10_0000;
const SECOND: u64 = FIRST + 4 * PAGE as u64;
const HOLE: u64 = SECOND + 4 * PAGE as u64;
const THIRD: u64 = HOLE + PAGE as u64;

type Disks = [Arc<Disk<AtomicBitmap>>; 3];

fn memory() -> (PersistentMemory<AtomicBitmap>, Disks) {
    let made = [FIRST, SECOND, THIRD].map(|start| {
        let (mapping, disk) = Disk::mapping(4 * PAGE, 2);
        let region = GuestRegionMmap::with_arc(Arc::clone(mapping.region()), GuestAddress(start));
        (region.unwrap(), mapping, disk)
    });
    let mut regions = vec![GuestRegionMmap::from_range(GuestAddress(RAM), PAGE, None).unwrap()];
    let mut mappings: Vec<Arc<Mapping<_>>> = Vec::new();
    let disks = made.map(|(region, mapping, disk)| {
        regions.push(region);
        mappings.push(mapping);
        disk
    });
    let memory = GuestMemoryMmap::from_regions(regions).unwrap();
    (PersistentMemory::with_mappings(memory, &mappings), disks)
}

fn calls(disks: &Disks) -> Vec<usize> {
    disks.iter().map(|disk| disk.calls().len()).collect()
}

#[test]
fn a_range_may_span_regions() {
    let (memory, disks) = memory();
    let start = GuestAddress(SECOND - 3);
    memory.write_slice(b"spanning", start).unwrap();
    memory.persist(start, 8).unwrap();
    assert_eq!(disks[0].calls(), vec![3 * PAGE..4 * PAGE]);
    assert_eq!(disks[1].calls(), vec![0..PAGE]);
    assert!(disks[0].keeps(0..4 * PAGE) && disks[1].keeps(0..4 * PAGE));
    memory.persist(GuestAddress(FIRST), 8 * PAGE).unwrap();
    assert_eq!(calls(&disks), [1, 1, 0]);
}

#[test]
fn the_first_bad_address_is_named_before_anything_is_flushed() {
    let (memory, disks) = memory();
    for (start, len, bad) in [
        (FIRST, 8 * PAGE + 1, HOLE),
        (FIRST, 100 * PAGE, HOLE),
        (HOLE, 1, HOLE),
        (HOLE - 1, usize::MAX, HOLE),
        (THIRD, 5 * PAGE, THIRD + 4 * PAGE as u64),
        (u64::MAX, 1, u64::MAX),
        (RAM + 5 * PAGE as u64, 1, RAM + 5 * PAGE as u64),
    ] {
        let start = GuestAddress(start);
        let error = memory.persist(start, len).unwrap_err();
        assert!(
            matches!(error, Error::Hole { address, .. } if address == bad),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains(&format!("guest address {bad:#x},")),
            "{error}"
        );
        let copied = memory.write_persist(&vec![7; len.min(200 * PAGE)], start);
        assert!(matches!(copied, Err(Error::Hole { address, .. }) if address == bad));
    }
    assert_eq!(calls(&disks), [0, 0, 0]);
    let first: u8 = memory.read_obj(GuestAddress(FIRST)).unwrap();
    assert_eq!(first, 0, "nothing was copied");
}

#[test]
fn ram_is_not_persistent() {
    let (memory, disks) = memory();
    let error = memory.persist(GuestAddress(RAM + 5), 1).unwrap_err();
    let why = Volatile::NotGiven;
    assert!(
        matches!(error, Error::NotPersistent { address: 5, why: it } if it == why),
        "{error}"
    );
    assert!(memory.mapping(GuestAddress(RAM)).is_err());
    assert!(memory.mapping(GuestAddress(FIRST + 1)).is_ok());
    assert_eq!(calls(&disks), [0, 0, 0]);
}

#[test]
fn of_no_bytes_nothing_is_done_wherever() {
    let (memory, disks) = memory();
    for start in [RAM, FIRST, HOLE, u64::MAX] {
        memory.persist(GuestAddress(start), 0).unwrap();
        memory.write_persist(&[], GuestAddress(start)).unwrap();
    }
    assert_eq!(calls(&disks), [0, 0, 0]);
}

#[test]
fn what_is_dirty_is_persisted_region_by_region() {
    let (memory, disks) = memory();
    memory.write_obj(1_u8, GuestAddress(RAM)).unwrap();
    memory
        .write_obj(1_u8, GuestAddress(FIRST + 2 * PAGE as u64))
        .unwrap();
    memory.write_obj(1_u8, GuestAddress(THIRD)).unwrap();
    assert_eq!(memory.persist_dirty().unwrap(), 2 * PAGE);
    assert_eq!(disks[0].calls(), vec![2 * PAGE..3 * PAGE]);
    assert_eq!(calls(&disks), [0, 0, 1]);
    assert_eq!(memory.persist_dirty().unwrap(), 0);
    assert_eq!(calls(&disks), [0, 0, 0]);
}

#[test]
fn after_a_failure_nothing_is_forgotten() {
    let (memory, disks) = memory();
    for start in [FIRST, SECOND, THIRD] {
        memory.write_obj(1_u8, GuestAddress(start)).unwrap();
    }
    disks[1].mood(Mood::Fails);
    assert!(matches!(memory.persist_dirty(), Err(Error::Sync { .. })));
    assert_eq!(calls(&disks), [1, 1, 0]);
    disks[1].mood(Mood::Good);
    assert_eq!(memory.persist_dirty().unwrap(), 2 * PAGE);
    assert_eq!(calls(&disks), [0, 1, 1]);
    assert!(disks.iter().all(|disk| disk.keeps(0..4 * PAGE)));
}

#[test]
fn a_durable_copy_is_marked_and_may_span_regions() {
    let (memory, disks) = memory();
    memory
        .write_persist(b"spanning", GuestAddress(SECOND - 3))
        .unwrap();
    assert!(disks[0].keeps(0..4 * PAGE) && disks[1].keeps(0..4 * PAGE));
    let mut back = [0; 8];
    memory
        .read_slice(&mut back, GuestAddress(SECOND - 3))
        .unwrap();
    assert_eq!(&back, b"spanning");
    assert_eq!(memory.persist_dirty().unwrap(), 2 * PAGE);
}

#[test]
fn negative_control_a_host_that_lies_is_caught() {
    let (memory, disks) = memory();
    disks[0].mood(Mood::Lies);
    memory.write_persist(b"lost", GuestAddress(FIRST)).unwrap();
    assert!(!disks[0].keeps(0..PAGE));
}

/// It is used where vm-memory's is, also behind an atomic.
#[test]
fn it_is_guest_memory() {
    use vm_memory::GuestAddressSpace;
    let file = FileOffset::new(file(PAGE), 0);
    let ranges = [
        (GuestAddress(0), PAGE, None),
        (GuestAddress(FIRST), PAGE, Some(file)),
    ];
    let memory = GuestMemoryMmap::<AtomicBitmap>::from_ranges_with_files(ranges).unwrap();
    let memory = PersistentMemory::new(memory, Policy::Fdatasync);
    assert_eq!((memory.num_regions(), memory.mappings().count()), (2, 1));
    let shared = GuestMemoryAtomic::new(memory);
    let memory = shared.memory();
    memory.write_obj(7_u64, GuestAddress(FIRST)).unwrap();
    memory.persist(GuestAddress(FIRST), 8).unwrap();
    assert_eq!(memory.persist_dirty().unwrap(), PAGE);
    let error = memory.persist(GuestAddress(0), 8).unwrap_err();
    let why = Volatile::Anonymous;
    assert!(
        matches!(error, Error::NotPersistent { why: it, .. } if it == why),
        "{error}"
    );
}
