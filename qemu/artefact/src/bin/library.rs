//! The library as a kernel would link it: all tables, selection, maps of every kind, and every
//! checked call.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;
use kpmem::{Flags, Granularity, Lines, Map, PageSlot, Primitives, RawHook};
use kpmem_artefact::{Functions, calls::call_each, collect, native};

/// Read by the harness.
#[unsafe(no_mangle)]
static KPMEM_FUNCTIONS: [Functions; native::COUNT] = collect(native::GROUPS);
/// Read by the harness.
#[unsafe(no_mangle)]
static KPMEM_BYTE: [Functions; 1] = [Functions::of(&kpmem::BYTE)];

static SLOT: PageSlot = PageSlot::new();

/// Durable store of one word, with the functions fixed at compile time: as short as it can be.
///
/// # Safety
/// The word must be in mapped persistent memory.
#[unsafe(no_mangle)]
unsafe extern "C" fn kpmem_persist_word(word: &u64) {
    // SAFETY: the caller vouches for the word.
    unsafe { Lines::<native::Best, 64>::persist(core::ptr::from_ref(word).cast(), 8) }
}

/// Uses all that a kernel would.
///
/// # Safety
/// Never called.
#[unsafe(no_mangle)]
unsafe fn kpmem_entry(base: *mut u8, len: usize, hook: RawHook, source: &[u8], bits: u32) -> usize {
    let flags = Flags::from_bits_retain(bits);
    // SAFETY: never called.
    let made = unsafe {
        black_box(kpmem::select(&native::GROUPS[0][0]).is_ok());
        let maps = [
            Map::new(base, len, Granularity::CacheLine),
            Map::new(base, len, Granularity::Byte),
            Map::with_table(base, len, &kpmem::BYTE),
        ];
        let fixed = Map::fixed(base, len);
        if let Ok(fixed) = &fixed {
            call_each::<kpmem::Fixed<Lines<native::Best, 64>>>(fixed, source, flags);
        }
        let pages = Map::with_hook(base, len, hook).map_or(0, |map| {
            black_box(map.register(&SLOT).is_ok());
            call_each(&map, source, flags)
        });
        let tables = maps.into_iter().flatten();
        pages
            + tables
                .map(|map| call_each(&map, source, flags))
                .sum::<usize>()
    };
    // The tables themselves keep their copies in the program.
    black_box((
        &raw const KPMEM_FUNCTIONS,
        &raw const KPMEM_BYTE,
        native::GROUPS,
    ));
    black_box(kpmem_persist_word as *const u8);
    made
}

#[cfg(not(target_os = "none"))]
fn main() {
    // Never run; keeps what the bare-metal build exports in use.
    black_box(kpmem_entry as *const u8);
}
