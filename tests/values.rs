//! The checked copies of a map: what they refuse, and that a refused one touches nothing.

mod common;

use std::{
    cell::Cell,
    sync::atomic::{AtomicPtr, AtomicU64, Ordering},
};

use common::{Event, Recording, recorded};
use kpmem::{BYTE, Error, Flags, Guard, Map};

/// A map of byte granularity over all of `memory`.
fn map(memory: &mut [u64]) -> Map {
    // SAFETY: nothing here must survive a power cut.
    unsafe { Map::with_table(memory.as_mut_ptr().cast(), size_of_val(memory), &BYTE) }.unwrap()
}

#[test]
fn values_slices_and_fills_arrive() {
    let mut memory = [0_u64; 64];
    let map = map(&mut memory);
    let base = map.address();
    // SAFETY: only this thread uses the memory, by the map.
    unsafe {
        map.write(base.cast(), 0x0123_4567_89ab_cdef_u64).unwrap();
        map.write(base.add(12).cast(), 7_u32).unwrap();
        map.write(base.add(17), 9_u8).unwrap();
        map.copy_from_slice(base.add(32).cast(), &[1_u16, 2, 3])
            .unwrap();
        map.memset(base.add(41), 0xaa, 5, Flags::NODRAIN).unwrap();
        map.memmove(base.add(64), base, 48, Flags::empty()).unwrap();
        map.memcpy(base.add(504), base, 8, Flags::TEMPORAL).unwrap();
        map.drain().unwrap();
    }
    assert_eq!(memory[0], 0x0123_4567_89ab_cdef);
    assert_eq!(memory[1], 7 << 32);
    assert_eq!(memory[2], 9 << 8);
    assert_eq!(memory[4], 0x0003_0002_0001);
    assert_eq!(memory[5], 0xaaaa_aaaa_aa00);
    assert_eq!(
        memory[8..14],
        *[memory[0], memory[1], memory[2], 0, memory[4], memory[5]].as_slice()
    );
    assert_eq!(memory[63], memory[0]);
}

#[test]
fn the_destination_must_be_in_the_map_and_the_source_need_not() {
    let mut memory = [5_u64; 8];
    let map = map(&mut memory);
    let (base, source) = (map.address(), [0_u8; 128]);
    let (map_start, map_len) = (base.addr(), 64);
    for (at, len) in [
        (0_usize, 65),
        (63, 2),
        (64, 1),
        (usize::MAX, 1),
        (usize::MAX, 2),
    ] {
        let dest = base.wrapping_add(at);
        let start = dest.addr();
        let outside = Err(Error::OutsideMap {
            start,
            len,
            map_start,
            map_len,
        });
        // SAFETY: the call is refused.
        unsafe {
            assert_eq!(
                map.memmove(dest, source.as_ptr(), len, Flags::empty()),
                outside
            );
            assert_eq!(map.memset(dest, 0, len, Flags::NOFLUSH), outside);
            assert_eq!(map.copy_from_slice(dest, &source[..len]), outside);
        }
    }
    let start = usize::MAX;
    // SAFETY: the calls are refused, or of no bytes.
    unsafe {
        let top = std::ptr::without_provenance_mut::<u8>(start);
        assert_eq!(
            map.memset(top, 0, 2, Flags::empty()),
            Err(Error::Wraps { start, len: 2 })
        );
        assert_eq!(map.memmove(top, top, 0, Flags::empty()), Ok(()));
        assert_eq!(map.memset(top, 0, 0, Flags::empty()), Ok(()));
    }
    assert_eq!(memory, [5; 8], "something was touched");
}

#[test]
fn a_value_must_be_aligned() {
    let mut memory = [0_u64; 8];
    let map = map(&mut memory);
    let dest = map.address().wrapping_add(4);
    let (start, align) = (dest.addr(), 8);
    // SAFETY: the call is refused.
    let refused = unsafe { map.write(dest.cast::<u64>(), 1) };
    assert_eq!(refused, Err(Error::Misaligned { start, align }));
    // SAFETY: of no bytes.
    let nothing = unsafe { map.copy_from_slice(dest.cast::<u64>(), &[]) };
    assert_eq!(nothing, Ok(()));
    assert_eq!(memory, [0; 8]);
}

/// Also in release builds: these are no assertions.
#[test]
fn contradictory_and_unknown_flags_are_refused() {
    let mut memory = [5_u64; 8];
    let map = map(&mut memory);
    let base = map.address();
    let nonsense = |flags: Flags| {
        let contains = |both: Flags| flags.contains(both);
        contains(Flags::NONTEMPORAL | Flags::TEMPORAL)
            || contains(Flags::WC | Flags::WB)
            || contains(Flags::NOFLUSH | Flags::NONTEMPORAL)
            || contains(Flags::NOFLUSH | Flags::WC)
            || flags.bits() >= 64
    };
    for bits in (0..128).chain([1 << 31, u32::MAX]) {
        let flags = Flags::from_bits_retain(bits);
        // SAFETY: only this thread uses the memory, by the map.
        let results = unsafe {
            [
                map.memset(base, 5, 64, flags),
                map.memmove(base, base.add(8), 8, flags),
                // Of no bytes, too.
                map.memmove(base, base, 0, flags),
            ]
        };
        for result in results {
            match result {
                Ok(()) => assert!(!nonsense(flags), "{flags:?} was accepted"),
                Err(Error::Flags {
                    flags: named,
                    problem,
                }) => {
                    assert!(nonsense(flags), "{flags:?} was refused");
                    assert_eq!(named, bits);
                    assert!(!problem.is_empty());
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn the_values_are_those_of_libpmem2() {
    let names = ["NODRAIN", "NONTEMPORAL", "TEMPORAL", "WC", "WB", "NOFLUSH"];
    for (bit, name) in names.into_iter().enumerate() {
        assert_eq!(
            Flags::from_name(name).map(|flags| flags.bits()),
            Some(1 << bit)
        );
    }
}

#[test]
fn functions_are_the_same_every_time_and_return_the_destination() {
    let mut memory = [0_u64; 8];
    let map = map(&mut memory);
    assert!(std::ptr::fn_addr_eq(map.memmove_fn(), map.memmove_fn()));
    assert!(std::ptr::fn_addr_eq(
        map.memcpy_fn(),
        map.table().memcpy_fn()
    ));
    assert!(std::ptr::fn_addr_eq(
        map.memset_fn(),
        map.table().memset_fn()
    ));
    let dest = map.address().wrapping_add(8);
    // SAFETY: only this thread uses the memory, by the map.
    unsafe {
        assert_eq!(map.memmove_fn()(dest, map.address(), 8, 0), dest);
        assert_eq!(map.memset_fn()(dest, 0x1ff, 8, 0), dest);
    }
    assert_eq!(memory[1], u64::MAX);
}

/// Counts what is done to the lines, so that a batch can be seen.
static RECORDING: kpmem::Table = kpmem::Table::of::<kpmem::Lines<Recording, 64>>();

fn recording(memory: &mut [u64]) -> Map {
    // SAFETY: nothing here must survive a power cut.
    unsafe { Map::with_table(memory.as_mut_ptr().cast(), size_of_val(memory), &RECORDING) }.unwrap()
}

fn drains(events: &[Event]) -> usize {
    events
        .iter()
        .filter(|event| **event == Event::Drain)
        .count()
}

#[test]
fn values_in_the_map_are_persisted_as_they_lie() {
    let mut memory = [0_u64; 64];
    let map = recording(&mut memory);
    let line = |at: usize| Event::WriteBack((map.address().addr() + at) & !63);
    map.persist_ref(&memory[1]).unwrap();
    assert_eq!(recorded(), [line(8), Event::Drain]);
    map.persist_slice(&memory[7..9]).unwrap();
    let mut lines = vec![line(56), line(64)];
    lines.dedup();
    lines.push(Event::Drain);
    assert_eq!(recorded(), lines);
    assert!(map.persist_ref(&0_u64).is_err(), "not in the map");
    assert_eq!(recorded(), []);
}

#[test]
fn an_atomic_is_stored_and_persisted() {
    let mut memory = [0_u64; 64];
    let map = recording(&mut memory);
    // SAFETY: the words are in the map, and only used as atomics.
    let (word, pointer) = unsafe {
        let base = map.address().cast::<u64>();
        (
            AtomicU64::from_ptr(base),
            AtomicPtr::from_ptr(base.add(1).cast::<*mut u8>()),
        )
    };
    map.store(word, 42).unwrap();
    map.store(pointer, map.address()).unwrap();
    assert_eq!(recorded().len(), 4);
    assert_eq!(word.load(Ordering::Relaxed), 42);
    assert_eq!(pointer.load(Ordering::Relaxed), map.address());
    let outside = AtomicU64::new(1);
    assert!(map.store(&outside, 2).is_err());
    assert_eq!(
        (outside.into_inner(), recorded()),
        (1, vec![]),
        "nothing was stored"
    );
}

#[test]
fn what_is_not_initialised_may_be_copied() {
    let mut memory = [5_u64; 8];
    let map = map(&mut memory);
    let mut buffer = [std::mem::MaybeUninit::<u32>::uninit(); 4];
    buffer[0].write(1);
    buffer[2].write(3);
    // SAFETY: only this thread uses the memory, by the map.
    unsafe { map.copy_from_uninit_slice(map.address().cast(), &buffer, Flags::TEMPORAL) }.unwrap();
    let word = |i: usize| memory[i] as u32;
    assert_eq!((word(0), word(1), memory[2]), (1, 3, 5));
}

#[test]
fn a_batch_drains_once_whether_finished_or_dropped() {
    let mut memory = [0_u64; 64];
    let map = recording(&mut memory);
    let base = map.address();
    let fill = |batch: &kpmem::Batch<'_, &'static kpmem::Table>| {
        batch.flush(base, 8).unwrap();
        // SAFETY: only this thread uses the memory, by the map.
        unsafe {
            batch.write(base.cast(), 7_u64).unwrap();
            batch.copy_from_slice(base.add(64), b"abc").unwrap();
            batch.memset(base.add(128), 1, 64, Flags::TEMPORAL).unwrap();
            batch
                .memmove(base.add(256), base, 64, Flags::TEMPORAL)
                .unwrap();
        }
    };
    let batch = map.batch();
    fill(&batch);
    assert_eq!(drains(&recorded()), 0);
    batch.finish().unwrap();
    assert_eq!(recorded(), [Event::Drain]);
    let batch = map.batch();
    fill(&batch);
    recorded();
    drop(batch);
    assert_eq!(recorded(), [Event::Drain]);
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Notes what was recorded when it is left.
struct Noting;

// SAFETY: a thread of a test stays where it likes: nothing here must be durable.
unsafe impl Guard for Noting {
    type State = ();
    fn enter() {
        assert!(!INSIDE.replace(true));
    }
    fn leave((): ()) {
        assert!(INSIDE.replace(false));
        common::record(Event::Drain);
    }
}

/// What the guard records when it is left comes after the drain, or there would be one drain less.
#[test]
fn a_guard_is_held_from_the_first_flush_to_the_drain() {
    let mut memory = [0_u64; 64];
    let map = recording(&mut memory);
    map.persist_within::<Noting>(map.address(), 8).unwrap();
    let events = recorded();
    assert_eq!((events.len(), drains(&events)), (3, 2));
    assert!(map.persist_within::<Noting>(map.address(), 1000).is_err());
    assert!(!INSIDE.get(), "left also after an error");
    recorded();
    let batch = map.batch_within::<Noting>();
    assert!(INSIDE.get());
    drop(batch);
    assert!(!INSIDE.get());
}
