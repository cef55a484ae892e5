//! What Miri interprets: the library's raw pointers, on a target without instructions of its own.
//! (Elsewhere the same, by that target's instructions.)

use std::{
    cell::RefCell,
    mem::MaybeUninit,
    sync::{Mutex, atomic::AtomicU64, atomic::Ordering},
};

use kpmem::{
    BYTE, Byte, Error, Fixed, Flags, HookFns, Map, PageSlot,
    tuning::{Stores, Word},
};

#[repr(align(16))]
struct Aligned<T>(T);

/// Each offset of 16 with each length to 40; apart, and overlapping from below and from above by
/// distances of every kind. In turns by code in line and by a table.
#[test]
fn copies_agree_with_an_oracle() {
    let before: [u8; 128] = std::array::from_fn(|i| i as u8);
    for (offset, len) in (0..8).flat_map(|offset| (0..=40).map(move |len| (offset, len))) {
        let dest = 48 + offset;
        for source in [dest - 1 - (offset + len) % 15, dest + 1 + len % 11, len % 8] {
            let mut memory = Aligned(before);
            let mut expected = memory.0;
            expected.copy_within(source..source + len, dest);
            let base = memory.0.as_mut_ptr();
            // SAFETY: both ranges are inside the array, which nothing else uses.
            unsafe {
                let (to, from) = (base.add(dest), base.add(source));
                if (len + source) % 2 == 0 {
                    let map = Map::<Fixed<Byte>>::fixed(base, 128).unwrap();
                    map.memmove(to, from, len, Flags::TEMPORAL).unwrap();
                } else {
                    BYTE.memmove_fn()(to, from, len, Flags::empty().bits());
                }
            }
            assert_eq!(memory.0, expected, "{offset} {len} {source}");
        }
    }
}

#[test]
fn fills_agree_with_an_oracle() {
    for (offset, len) in (0..8).flat_map(|offset| (0..=40).map(move |len| (offset, len))) {
        let mut memory = Aligned([1_u8; 64]);
        let base = memory.0.as_mut_ptr();
        // SAFETY: the range is inside the array, which nothing else uses.
        unsafe {
            let map = Map::<Fixed<Byte>>::fixed(base, 64).unwrap();
            map.memset(base.add(offset), 7, len, Flags::empty())
                .unwrap();
        }
        let mut expected = [1; 64];
        expected[offset..offset + len].fill(7);
        assert_eq!(memory.0, expected, "{offset} {len}");
    }
}

/// Every other byte is uninitialised; the others arrive, in either direction.
#[test]
fn uninitialised_bytes_are_copied_as_they_are() {
    for (offset, len) in (0..8).flat_map(|offset| [1, 3, 6, 7, 8, 15, 29].map(|len| (offset, len)))
    {
        for source in [0, 13 + offset, 19 + offset] {
            let mut memory = Aligned([MaybeUninit::<u8>::uninit(); 64]);
            for at in (0..64).step_by(2) {
                memory.0[at].write(at as u8);
            }
            let dest = 16 + offset;
            let base = memory.0.as_mut_ptr().cast::<u8>();
            // SAFETY: both ranges are inside the array, which nothing else uses.
            unsafe { BYTE.memmove_fn()(base.add(dest), base.add(source), len, 0) };
            for at in (0..len).filter(|at| (source + at) % 2 == 0) {
                // SAFETY: the byte was initialised where it came from.
                let byte = unsafe { memory.0[dest + at].assume_init() };
                assert_eq!(usize::from(byte), source + at);
            }
        }
    }
}

/// Also by words that have parts of two pointers, by parts of words, and over themselves.
#[test]
fn pointers_stay_pointers_at_any_alignment() {
    const SIZE: usize = size_of::<[&u64; 3]>();
    let targets = [1_u64, 2, 3];
    for distance in [1, 2, 4, 8, 12, 17, SIZE + 3] {
        for ascending in [false, true] {
            let mut memory = Aligned([MaybeUninit::<u8>::uninit(); 128]);
            let low = memory.0.as_mut_ptr().cast::<u8>();
            // SAFETY: both ranges are inside the array, which nothing else uses.
            unsafe {
                let high = low.add(distance);
                let (dest, src) = if ascending { (low, high) } else { (high, low) };
                src.cast::<[&u64; 3]>().write_unaligned(targets.each_ref());
                let map = Map::<Fixed<Byte>>::fixed(low, 128).unwrap();
                map.memmove(dest, src, SIZE, Flags::empty()).unwrap();
                let copies = dest.cast::<[&u64; 3]>().read_unaligned();
                assert_eq!(copies.map(|target| *target), targets);
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

/// A batch, a copy and a fill of a page map: the hook reads what they stored.
#[test]
fn a_hook_may_read_what_a_copy_stored() {
    let mut memory = [0_u64; 16];
    let base: *mut u8 = memory.as_mut_ptr().cast();
    let sum = AtomicU64::new(0);
    let hook = HookFns {
        flush: |ptr: *const u8, len: usize| {
            // SAFETY: the range is a part of the map, and nothing stores to it meanwhile.
            let bytes = unsafe { std::slice::from_raw_parts(ptr, len) };
            let all = bytes.iter().map(|byte| u64::from(*byte));
            sum.fetch_add(all.sum(), Ordering::Relaxed);
            Ok(())
        },
        drain: || Ok(()),
    };
    static SLOT: PageSlot = PageSlot::new();
    // SAFETY: only this thread uses the memory; the registration is dropped before the map.
    unsafe {
        let map = Map::with_hook(base, 128, &hook).unwrap();
        let batch = map.batch();
        batch.copy_from_slice(base.add(1), &[1_u8; 21]).unwrap();
        batch
            .memmove(base.add(5), base, 22, Flags::empty())
            .unwrap();
        batch.write(base.add(64).cast(), 2_u64).unwrap();
        batch.finish().unwrap();
        assert_eq!(sum.swap(0, Ordering::Relaxed), 21 + 21 + 2);
        {
            let functions = map.register(&SLOT).unwrap();
            functions.memset_fn()(base.add(99), 3, 9, 0);
            functions.memmove_fn()(base.add(93), base.add(99), 9, 0);
            functions.drain_fn()();
        }
        map.drain().unwrap();
        assert_eq!(sum.load(Ordering::Relaxed), 27 + 27);
        let slice = std::slice::from_raw_parts(base.add(99), 9);
        map.persist_slice(slice).unwrap();
        assert_eq!(slice, [3; 9]);
    }
}

/// Of words that end with the address space: no pointer is offset past them.
#[test]
fn words_are_stored_up_to_the_last_in_either_direction() {
    thread_local! {
        static STORED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }
    /// Stores nothing; the loops are the library's own.
    struct Noted;
    // SAFETY: nothing here must survive a power cut.
    unsafe impl Stores for Noted {
        const CACHED: bool = true;
        unsafe fn word(dest: *mut u64, _: Word) {
            STORED.with_borrow_mut(|all| all.push(dest.addr()));
        }
        unsafe fn block(dest: *mut u64, _: [Word; 4]) {
            STORED.with_borrow_mut(|all| all.extend([0, 8, 16, 24].map(|at| dest.addr() + at)));
        }
    }
    let source = [0_u64; 11];
    for words in 0..=10 {
        let last = |word: usize| 0_usize.wrapping_sub(8 * word);
        let ascending: Vec<_> = (1..=words).rev().map(last).collect();
        let (dest, src) = (
            std::ptr::without_provenance_mut(last(words)),
            source.as_ptr().cast(),
        );
        // SAFETY: the source is long enough, and nothing is stored.
        unsafe {
            Noted::copy_up(dest, src, words);
            assert_eq!(STORED.take(), ascending);
            Noted::fill(dest, 7, words);
            assert_eq!(STORED.take(), ascending);
            Noted::copy_down(dest, src.add(3), words);
        }
        let mut descending = STORED.take();
        assert!(descending.iter().step_by(4).is_sorted_by(|a, b| a > b));
        descending.sort_unstable();
        assert_eq!(descending, ascending);
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
