//! The checked copies of a map: what they refuse, and that a refused one touches nothing.

use std::ffi::c_void;

use kpmem::{BYTE, Error, Flags, Granularity, Map, SyncHook};

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

/// A device that counts what it was asked to sync, and what it found there.
#[derive(Debug, Default)]
struct Device {
    calls: Vec<(usize, usize, u8)>,
    code: i32,
}

unsafe extern "C" fn sync(context: *mut c_void, ptr: *const u8, len: usize) -> i32 {
    // SAFETY: the test passes a device that outlives the map, on one thread; the range is in
    // memory.
    unsafe {
        let device = &mut *context.cast::<Device>();
        device.calls.push((ptr.addr(), len, ptr.read()));
        device.code
    }
}

#[test]
fn page_granularity_copies_then_calls_the_hook_once() {
    let mut memory = [0_u64; 512];
    let mut device = Device::default();
    let base: *mut u8 = memory.as_mut_ptr().cast();
    let context: *mut Device = &raw mut device;
    // SAFETY: as for `sync`.
    let map = unsafe { Map::with_hook(base, 4096, SyncHook::new(sync, context.cast())) }.unwrap();
    assert_eq!(map.granularity(), Granularity::Page);
    // SAFETY: only this thread uses memory and device.
    unsafe {
        map.memset(base.add(3), 1, 2000, Flags::empty()).unwrap();
        map.memset(base, 2, 8, Flags::NOFLUSH).unwrap();
        map.memset(base.add(8), 3, 8, Flags::NODRAIN).unwrap();
        map.memset_fn()(base.add(16), 4, 4000, 0);
        map.memmove_fn()(base.add(16), base, 8, Flags::NOFLUSH.bits());
        let expected = [(3, 2000, 1), (8, 8, 3), (16, 4000, 4)];
        assert_eq!(
            (*context).calls,
            expected.map(|(at, len, byte)| (base.addr() + at, len, byte))
        );
        (*context).code = -5;
        let (start, len, code) = (base.addr() + 64, 8, -5);
        assert_eq!(
            map.write(base.add(64).cast(), 6_u64),
            Err(Error::Sync { start, len, code })
        );
        map.memset_fn()(base.add(64), 4, 8, 0);
        assert_eq!(map.drain(), Err(Error::Sync { start, len, code }));
    }
}
