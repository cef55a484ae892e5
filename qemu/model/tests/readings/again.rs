//! A state that is used again.

use kpmem_model::State;
use kpmem_model::explore::{Explorer, Options};
use kpmem_model::hash::Random;

use crate::{BASE, LINE, SIZE, profiles, program};

/// All images of a program, by an explorer that gives its state back.
fn images(state: State, program: &[kpmem_model::Event], memory: &[u8]) -> (Vec<Vec<u8>>, State) {
    let mut memory = memory.to_vec();
    let mut images = Vec::new();
    let mut explorer = Explorer::new(state, program, Options::default());
    while explorer
        .next(|addr, bytes| {
            let at = (addr - BASE) as usize;
            memory[at..at + bytes.len()].copy_from_slice(bytes);
        })
        .is_some()
    {
        images.push(memory.clone());
    }
    (images, explorer.into_state())
}

#[test]
fn is_as_good_as_a_new_one() {
    for p in profiles() {
        let mut used = State::new(p, LINE, BASE, &[0; SIZE]);
        for seed in 0..50 {
            let mut random = Random::new(seed);
            let program = program(&p, &mut random, 12);
            let memory: Vec<u8> = (0..SIZE).map(|_| random.below(3) as u8).collect();
            let lines = memory.chunks(LINE).enumerate();
            used.restart(lines.map(|(line, bytes)| (BASE + (line * LINE) as u64, bytes)));
            let new = State::new(p, LINE, BASE, &memory);
            let (expected, _) = images(new, &program, &memory);
            let (found, back) = images(used, &program, &memory);
            assert!(found == expected, "{} seed {seed}", p.name);
            used = back;
        }
    }
}
