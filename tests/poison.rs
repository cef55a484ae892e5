//! Poison: what is refused, what a list can hold, how it is cleared.

use core::sync::atomic::{AtomicUsize, Ordering};

use kpmem::{
    Error, Flags, Granularity, Map,
    poison::{Avoiding, Poison, UNIT},
};

const LEN: usize = 64 * UNIT;

#[repr(align(4096))]
struct Memory([u8; LEN]);

fn slots<const N: usize>() -> [AtomicUsize; N] {
    [const { AtomicUsize::new(0) }; N]
}

fn at(address: usize) -> *const u8 {
    std::ptr::without_provenance(address)
}

fn map<'p>(
    memory: &mut Memory,
    poison: &'p Poison<'p>,
) -> Map<Avoiding<'p, &'static kpmem::Table>> {
    let base = memory.0.as_mut_ptr();
    // SAFETY: memory of this test; byte granularity is right for what no power cut meets.
    unsafe { Map::new(base, LEN, Granularity::Byte) }
        .unwrap()
        .avoiding(poison)
}

#[test]
fn the_first_bad_byte() {
    let slots = slots::<8>();
    let poison = Poison::new(&slots);
    poison.add(at(0x1000 + 70), 1).unwrap();
    poison.add(at(0x1000 + 130), UNIT).unwrap();
    poison.add(at(0x1000), 0).unwrap();
    for (start, len, expected) in [
        (0x1000, 64, None),
        (0x1000, 65, Some(0x1040)),
        (0x1000, 4096, Some(0x1040)),
        (0x1050, 1, Some(0x1050)),
        (0x107f, 1, Some(0x107f)),
        (0x1080, 64, Some(0x1080)),
        (0x10ff, 64, Some(0x10ff)),
        (0x1100, 64, None),
        (0x1040, 0, None),
        (0xfff, usize::MAX, None), // wraps: refused elsewhere
    ] {
        assert_eq!(poison.first(at(start), len), expected, "{start:#x} {len}");
    }
    assert_eq!(format!("{poison:?}"), "[4160..=4223, 4224..=4351]");
}

/// Every range of a few hundred bytes against a set of bytes.
#[test]
fn a_list_is_a_set_of_units() {
    for start in (0x1000..0x1000 + 3 * UNIT).step_by(7) {
        for len in (1..5 * UNIT).step_by(11) {
            let slots = slots::<4>();
            let poison = Poison::new(&slots);
            poison.add(at(start), len).unwrap();
            let (first, last) = (start / UNIT * UNIT, (start + len - 1) | (UNIT - 1));
            for byte in (0x1000 - UNIT..0x1000 + 10 * UNIT).step_by(UNIT / 2) {
                let expected = (first..=last).contains(&byte).then_some(byte);
                assert_eq!(poison.first(at(byte), 1), expected);
            }
        }
    }
}

#[test]
fn long_runs_take_more_slots_and_full_lists_say_so() {
    let slots = slots::<2>();
    let poison = Poison::new(&slots);
    let run = 64 * UNIT;
    poison.add(at(run), 2 * run).unwrap();
    assert_eq!(poison.first(at(3 * run - 1), 1), Some(3 * run - 1));
    poison.add(at(run + 5), 2 * run - 10).unwrap(); // is in it
    let full = Error::PoisonFull {
        start: 4 * run,
        len: 1,
    };
    assert_eq!(poison.add(at(4 * run), 1), Err(full));
    let wraps = Error::Wraps {
        start: usize::MAX,
        len: 2,
    };
    assert_eq!(poison.add(at(usize::MAX), 2), Err(wraps));
    assert_eq!(poison.add(at(0), 1), Err(Error::Null { len: 1 }));
}

#[test]
fn the_top_of_the_address_space() {
    let slots = slots::<2>();
    let poison = Poison::new(&slots);
    poison.add(at(usize::MAX - 100), 101).unwrap();
    assert_eq!(poison.first(at(usize::MAX), 1), Some(usize::MAX));
    let first = (usize::MAX - 100) / UNIT * UNIT;
    assert_eq!(poison.first(at(first - 5), 10), Some(first));
}

#[test]
fn every_checked_call_refuses() {
    let (mut memory, slots) = (Memory([7; LEN]), slots::<4>());
    let poison = Poison::new(&slots);
    let map = map(&mut memory, &poison);
    let (base, other) = (map.address(), [1_u8; 256]);
    poison.add(base.wrapping_add(128), 1).unwrap();
    let bad = base.addr() + 128;
    let refused = Err(Error::Poisoned { address: bad });
    let (dest, elsewhere) = (base.wrapping_add(100), base.wrapping_add(1024));
    assert_eq!(map.flush(dest, 100), refused);
    assert_eq!(map.persist(dest, 100), refused);
    assert_eq!(map.persist_ref(&other), map.persist(other.as_ptr(), 256));
    assert_eq!(map.writeback_invalidate(dest, 100), refused);
    assert_eq!(map.batch().flush(dest, 100), refused);
    // SAFETY: memory of this test.
    unsafe {
        assert_eq!(
            map.memmove(dest, other.as_ptr(), 100, Flags::empty()),
            refused
        );
        assert_eq!(map.memcpy(elsewhere, dest, 100, Flags::empty()), refused); // the source
        assert_eq!(map.memset(dest, 1, 100, Flags::empty()), refused);
        assert_eq!(map.write(base.add(128).cast(), 5_u64), refused);
        assert_eq!(map.copy_from_slice(dest, &other[..100]), refused);
        let word = core::sync::atomic::AtomicU64::from_ptr(base.add(128).cast());
        assert_eq!(map.store(word, 5), refused);
        assert_eq!(map.deep_flush(&NeverAsked, dest, 100), refused);
    }
    map.drain().unwrap();
    map.persist(base, 128).unwrap();
    map.persist(base.wrapping_add(192), 100).unwrap();
    assert!(matches!(
        map.persist(base, LEN + 1),
        Err(Error::OutsideMap { .. })
    ));
    assert!(
        memory.0.iter().all(|byte| *byte == 7),
        "something was stored"
    );
}

struct NeverAsked;

impl kpmem::Hook for NeverAsked {
    fn flush(&self, _: *const u8, _: usize) -> Result<(), i32> {
        unreachable!()
    }

    fn drain(&self) -> Result<(), i32> {
        unreachable!()
    }
}

#[test]
fn clearing() {
    let (mut memory, slots) = (Memory([7; LEN]), slots::<3>());
    let poison = Poison::new(&slots);
    let map = map(&mut memory, &poison);
    let base = map.address();
    poison.add(base, 8 * UNIT).unwrap();
    let unit = |number: usize| base.wrapping_add(number * UNIT);
    let asked = std::cell::Cell::new(None);
    let clear = |ptr: *mut u8, len, code| {
        asked.set(None);
        // SAFETY: memory of this test.
        unsafe {
            map.clear(ptr, len, |ptr, len| {
                asked.set(Some((ptr, len)));
                if code == 0 { Ok(()) } else { Err(code) }
            })
        }
    };
    let misaligned = |start: *mut u8| Error::Misaligned {
        start: start.addr(),
        align: UNIT,
    };
    let odd = unit(1).wrapping_add(8);
    assert_eq!(clear(odd, UNIT, 0), Err(misaligned(odd)));
    assert_eq!(clear(unit(1), 8, 0), Err(misaligned(unit(1))));
    assert!(matches!(
        clear(unit(63), 2 * UNIT, 0),
        Err(Error::OutsideMap { .. })
    ));
    assert_eq!((clear(unit(1), 0, 0), asked.get()), (Ok(()), None));
    let failed = Error::Sync {
        start: unit(1).addr(),
        len: UNIT,
        code: -5,
    };
    assert_eq!(clear(unit(1), UNIT, -5), Err(failed));
    assert_eq!(poison.first(base, LEN), Some(base.addr()));

    assert_eq!(clear(unit(2), 2 * UNIT, 0), Ok(()));
    assert_eq!(asked.get(), Some((unit(2), 2 * UNIT)));
    assert_eq!(poison.first(unit(2), 2 * UNIT), None);
    assert_eq!(poison.first(unit(0), 4 * UNIT), Some(unit(0).addr()));
    assert_eq!(poison.first(unit(2), LEN - 2 * UNIT), Some(unit(4).addr()));
    assert_eq!(clear(unit(0), 2 * UNIT, 0), Ok(()));
    assert_eq!(clear(unit(6), 2 * UNIT, 0), Ok(()));
    assert_eq!(poison.first(unit(0), LEN), Some(unit(4).addr()));
    assert_eq!(clear(unit(0), LEN, 0), Ok(()));
    assert_eq!(poison.first(unit(0), LEN), None);
    assert!(slots.iter().all(|slot| slot.load(Ordering::Relaxed) == 0));
    assert_eq!(memory.0, [0; LEN]);
}

#[test]
fn a_run_that_cannot_be_split_stays() {
    let (mut memory, slots) = (Memory([7; LEN]), slots::<1>());
    let poison = Poison::new(&slots);
    let map = map(&mut memory, &poison);
    let base = map.address();
    poison.add(base, 3 * UNIT).unwrap();
    // SAFETY: memory of this test.
    let cleared = unsafe { map.clear(base.wrapping_add(UNIT), UNIT, |_, _| Ok(())) };
    assert!(matches!(cleared, Err(Error::PoisonFull { .. })));
    assert_eq!(poison.first(base, LEN), Some(base.addr()));
    // At its ends no room is needed.
    for at in [2, 0, 1] {
        // SAFETY: memory of this test.
        let cleared = unsafe { map.clear(base.wrapping_add(at * UNIT), UNIT, |_, _| Ok(())) };
        assert_eq!(cleared, Ok(()));
    }
    assert_eq!(poison.first(base, LEN), None);
    assert_eq!(memory.0[..3 * UNIT], [0; 3 * UNIT]);
}

#[test]
fn copies_whose_loads_fault() {
    let (mut memory, slots) = (Memory([7; LEN]), slots::<1>());
    let poison = Poison::new(&slots);
    let map = map(&mut memory, &poison);
    let (base, mut to) = (map.address(), [0_u8; 256]);
    let mut read = |from: usize, len, left: usize| {
        let src = base.wrapping_add(from);
        // SAFETY: the copy is of memory of this test.
        unsafe {
            map.read_mcsafe(to.as_mut_ptr(), src, len, |dest, src, len| {
                let done = len.saturating_sub(left);
                dest.copy_from_nonoverlapping(src, done);
                left
            })
        }
    };
    assert_eq!(read(10, 100, 0), Ok(()));
    assert_eq!(read(10, 0, 5), Ok(()));
    assert!(matches!(read(LEN - 5, 6, 0), Err(Error::OutsideMap { .. })));
    let poisoned = |at| {
        Err(Error::Poisoned {
            address: base.addr() + at,
        })
    };
    assert_eq!(read(10, 100, 20), poisoned(90));
    assert_eq!(read(0, 100, 0), poisoned(64)); // is known now, and not tried again
    assert_eq!(read(64, 1, 0), poisoned(64));
    // A copy that claims to have left more than there was; a list that is full.
    let full = Err(Error::PoisonFull {
        start: base.addr() + 128,
        len: 1,
    });
    assert_eq!(read(128, 10, 99), full);
    assert_eq!(to[..100], [7; 100]);
}

/// A machine check in the middle of others' calls: whoever adds and clears at once, a unit that one
/// CPU has added and nobody clears is refused.
#[test]
fn many_cpus() {
    let slots = slots::<16>();
    let poison = Poison::new(&slots);
    std::thread::scope(|scope| {
        for cpu in 0..4_usize {
            let poison = &poison;
            scope.spawn(move || {
                for round in 0..2000 {
                    let unit = at(0x10_0000 * (cpu + 1) + round % 3 * UNIT);
                    poison.add(unit, 1).unwrap();
                    assert_eq!(poison.first(unit, 1), Some(unit.addr()));
                }
            });
        }
    });
    assert_eq!(
        slots
            .iter()
            .filter(|slot| slot.load(Ordering::Relaxed) != 0)
            .count(),
        12
    );
}
