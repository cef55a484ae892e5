//! The library as a kernel would link it: all tables, selection, maps of every kind.
#![cfg_attr(target_os = "none", no_std, no_main)]

use core::hint::black_box;
use kpmem::{Granularity, Lines, Map, Primitives, SyncHook};
use kpmem_artefact::{Functions, collect, native};

/// Read by the harness.
#[unsafe(no_mangle)]
static KPMEM_FUNCTIONS: [Functions; native::COUNT] = collect(native::GROUPS);
/// Read by the harness.
#[unsafe(no_mangle)]
static KPMEM_BYTE: [Functions; 1] = [Functions::of(&kpmem::BYTE)];

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
unsafe fn kpmem_entry(base: *mut u8, len: usize, hook: SyncHook) -> usize {
    // SAFETY: never called.
    let made = unsafe {
        black_box(kpmem::select(&native::GROUPS[0][0]).is_ok());
        let maps = [
            Map::new(base, len, Granularity::CacheLine),
            Map::new(base, len, Granularity::Byte),
            Map::with_table(base, len, &kpmem::BYTE),
            Map::with_hook(base, len, hook),
        ];
        let fixed = Map::fixed(base, len);
        if let Ok(fixed) = &fixed {
            use_map::<kpmem::Fixed<Lines<native::Best, 64>>>(fixed);
        }
        maps.into_iter()
            .flatten()
            .map(|map| use_map(&map))
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

fn use_map<D: kpmem::Dispatch>(map: &Map<D>) -> usize {
    let results = [
        map.persist(map.address(), 8),
        map.flush(map.address(), map.size()),
        map.drain(),
    ];
    results.into_iter().filter(Result::is_ok).count()
}

#[cfg(not(target_os = "none"))]
fn main() {
    // Never run; keeps what the bare-metal build exports in use.
    black_box(kpmem_entry as *const u8);
}
