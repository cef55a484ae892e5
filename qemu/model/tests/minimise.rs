//! A failure that one lost store makes is shown with that one.

use kpmem_model::event::{Event, Store};
use kpmem_model::explore::{Explorer, Options};
use kpmem_model::minimise::Minimise;
use kpmem_model::{Profile, State};

const BASE: u64 = 0x8000_0000;
const SIZE: usize = 4 << 10;

/// Minimises every failing image of stores to 11 lines, two in each; what the smallest loses.
fn smallest(profile: Profile, fails: impl Fn(&[u8]) -> bool) -> Vec<Vec<usize>> {
    let store = |i: u64| Event::Store(Store::new(0, BASE + i / 2 * 64 + i % 2 * 8, &[1; 8]));
    let trace: Vec<_> = (0..22).map(store).collect();
    let mut memory = vec![0; SIZE];
    let state = State::new(profile, 64, BASE, &memory);
    let mut explorer = Explorer::new(state, &trace, Options::default());
    let mut found = Vec::new();
    let write = |memory: &mut Vec<u8>, addr: u64, bytes: &[u8]| {
        let at = (addr - BASE) as usize;
        memory[at..at + bytes.len()].copy_from_slice(bytes);
    };
    while explorer.next(|a, b| write(&mut memory, a, b)).is_some() {
        if !fails(&memory) {
            continue;
        }
        let before = memory.clone();
        let mut minimise = Minimise::new(explorer.images());
        while let Some(choice) = minimise.next(explorer.images()).map(<[u32]>::to_vec) {
            explorer.put(&choice, |a, b| write(&mut memory, a, b));
            minimise.fails(fails(&memory));
        }
        let best = minimise.best().to_vec();
        explorer.put(&best, |a, b| write(&mut memory, a, b));
        assert!(fails(&memory));
        let lost = (0..22).filter(|i| memory[i / 2 * 64 + i % 2 * 8] == 0);
        found.push(lost.collect());
        explorer.put(minimise.original(), |a, b| write(&mut memory, a, b));
        assert!(memory == before, "the exploration goes on where it was");
    }
    found
}

#[test]
fn one_lost_store_that_fails_is_all_that_is_shown() {
    for profile in [Profile::PX86, Profile::ARM] {
        let found = smallest(profile, |memory| memory[3 * 64 + 8] == 0);
        assert!(!found.is_empty());
        assert!(found.iter().all(|lost| *lost == [7]), "{found:?}");
    }
}

#[test]
fn two_that_fail_together_are_both_shown() {
    let found = smallest(Profile::ARM, |memory| memory[0] == 0 && memory[9 * 64] == 0);
    assert!(!found.is_empty());
    assert!(found.iter().all(|lost| *lost == [0, 18]), "{found:?}");
}
