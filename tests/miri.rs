//! What Miri interprets: the library's raw pointers, on a target without instructions of its own.
//! (Elsewhere the same, by that target's instructions.)

use std::{
    mem::MaybeUninit,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use kpmem::{BYTE, Byte, Error, Fixed, Flags, HookFns, Map, PageSlot};

#[test]
fn a_fill_and_a_copy_stay_in_their_ranges() {
    let mut memory = [0_u8; 256];
    let base = memory.as_mut_ptr();
    // SAFETY: both ranges are inside the array, which nothing else uses.
    unsafe {
        BYTE.memset_fn()(base.add(3), 0xa5, 100, Flags::empty().bits());
        BYTE.memmove_fn()(base.add(50), base.add(3), 100, Flags::empty().bits());
    }
    let filled = |at: usize| (3..150).contains(&at);
    assert!((0..256).all(|at| (memory[at] == 0xa5) == filled(at)));
}

/// Offsets in a word, lengths with and without a whole word, overlap in both directions: few of
/// each, as Miri takes its time.
#[test]
fn copies_agree_with_an_oracle() {
    #[repr(align(8))]
    struct Aligned([u8; 128]);
    for offset in [0, 3, 7] {
        for len in [1, 6, 8, 13, 24, 41] {
            for source in [0, 39, 41 + offset, 48, 87] {
                let mut memory = Aligned(std::array::from_fn(|i| i as u8));
                let mut expected = memory.0;
                expected.copy_within(source..source + len, 40 + offset);
                let base = memory.0.as_mut_ptr();
                // SAFETY: both ranges are inside the array, which nothing else uses.
                unsafe {
                    let map = Map::<Fixed<Byte>>::fixed(base, 128).unwrap();
                    let dest = base.add(40 + offset);
                    map.memmove(dest, base.add(source), len, Flags::TEMPORAL)
                        .unwrap();
                }
                assert_eq!(memory.0, expected, "{offset} {len} {source}");
            }
        }
    }
}

/// Padding is not initialised, and a pointer is more than its address.
#[test]
fn what_is_copied_is_not_looked_at() {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Padded {
        byte: u8,
        target: *const u64,
        half: u32,
    }
    let target = 42_u64;
    let source = Padded {
        byte: 1,
        target: &raw const target,
        half: 3,
    };
    let mut memory = [MaybeUninit::<Padded>::uninit(); 2];
    let (base, size) = (memory.as_mut_ptr(), size_of::<Padded>());
    // SAFETY: the range is inside the array, which nothing else uses.
    unsafe {
        let map = Map::with_table(base.cast(), 2 * size, &BYTE).unwrap();
        map.copy_from_uninit_slice(
            base.cast::<Padded>(),
            &[MaybeUninit::new(source)],
            Flags::empty(),
        )
        .unwrap();
        // Without the first byte, so that parts of words are copied too.
        let (dest, src) = (
            base.add(1).cast::<u8>().add(1),
            (&raw const source).cast::<u8>(),
        );
        map.memmove(dest, src.add(1), size - 1, Flags::empty())
            .unwrap();
        let copy = (*base).assume_init();
        assert_eq!((copy.byte, *copy.target, copy.half), (1, 42, 3));
        assert_eq!(*(*base.add(1)).assume_init_ref().target, 42);
    }
}

/// The hook gets the caller's own pointer: to read by it takes nothing from the caller's `&mut`.
#[test]
fn a_hook_may_read_what_its_caller_holds() {
    let mut memory = [0_u64; 64];
    let base = memory.as_mut_ptr();
    let read = Mutex::new(Vec::new());
    let hook = HookFns {
        flush: |ptr: *const u8, len: usize| {
            assert_eq!(len, 8);
            // SAFETY: the range is a word of the map, and its caller may read it.
            read.lock()
                .unwrap()
                .push(unsafe { ptr.cast::<u64>().read() });
            Ok(())
        },
        drain: || Ok(()),
    };
    static SLOTS: [PageSlot; 2] = [const { PageSlot::new() }; 2];
    // SAFETY: only this thread uses the memory; the registrations are dropped before the maps.
    unsafe {
        let low = Map::with_hook(base.cast(), 256, &hook).unwrap();
        let high = Map::with_hook(base.add(32).cast(), 256, &hook).unwrap();
        let word = &mut *base.add(3);
        *word = 7;
        low.persist((&raw const *word).cast(), 8).unwrap();
        *word = 8;
        low.persist_ref(word).unwrap();
        *word += 1;
        {
            let functions = [
                low.register(&SLOTS[0]).unwrap(),
                high.register(&SLOTS[1]).unwrap(),
            ];
            functions[0].persist_fn()((&raw const *word).cast(), 8);
            *word += 1;
            functions[1].persist_fn()(base.add(32).cast(), 8);
            functions[1].flush_fn()(std::ptr::without_provenance(8), 8);
        }
        let (start, len) = (8, 8);
        assert_eq!(high.drain(), Err(Error::NotCovered { start, len }));
        let batch = low.batch();
        batch.flush((&raw const *word).cast(), 8).unwrap();
        batch.finish().unwrap();
        assert_eq!(*word, 10);
    }
    assert_eq!(read.into_inner().unwrap(), [7, 8, 9, 0, 10]);
}

#[test]
fn an_atomic_in_a_map_is_stored() {
    let mut memory = [0_u64; 8];
    let base = memory.as_mut_ptr();
    // SAFETY: the word is only used as an atomic.
    unsafe {
        let map = Map::with_table(base.cast(), 64, &BYTE).unwrap();
        let word = AtomicU64::from_ptr(base.add(1));
        map.store(word, 5).unwrap();
        assert_eq!(word.load(Ordering::Acquire), 5);
    }
}

/// Run by the harness, which must hear of it.
#[test]
#[ignore = "undefined behaviour on purpose"]
fn negative_control_is_reported() {
    let mut memory = [0_u8; 64];
    // SAFETY: none: one byte behind the array.
    unsafe { BYTE.memset_fn()(memory.as_mut_ptr().add(1), 0, 64, Flags::empty().bits()) };
}
