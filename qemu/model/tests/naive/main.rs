//! The fast enumerator against the definitions, on random programs.

mod generate;
mod oracle;

use std::collections::BTreeSet;

use generate::random_event;
use kpmem_model::event::{Event, Mark};
use kpmem_model::explore::{Explorer, Options};
use kpmem_model::hash::Random;
use kpmem_model::{Isa, Profile, State};
use oracle::{Image, is_unsure, naive, overwritten, pieces, required};

const LINE: usize = 32;
const SIZE: usize = 3 * LINE;
const BASE: u64 = 0x1000;

fn fast(p: &Profile, program: &[Event]) -> (BTreeSet<Image>, State) {
    let mut memory = vec![0; SIZE];
    let mut images = BTreeSet::new();
    let state = State::new(*p, LINE, BASE, &memory);
    let mut explorer = Explorer::new(state, program, Options::default());
    loop {
        let image = explorer.next(|addr, bytes| {
            let at = (addr - BASE) as usize;
            memory[at..at + bytes.len()].copy_from_slice(bytes);
        });
        if image.is_none() {
            break;
        }
        images.insert(memory.clone());
    }
    assert_eq!(explorer.counts().capped, 0);
    let mut state = State::new(*p, LINE, BASE, &[0; SIZE]);
    program.iter().for_each(|event| state.apply(event));
    (images, state)
}

fn check(p: &Profile, rounds: u64) {
    for seed in 0..rounds {
        let mut random = Random::new(seed * 7919 + p.name.len() as u64);
        let mut program = Vec::new();
        let length = 3 + random.below(12);
        for i in 0..length {
            let before = program.len() as u64;
            let event = random_event(&mut random, p, 1 + i as u8, before);
            program.push(event);
            if pieces(p, &program).len() > 9 {
                program.pop();
            }
        }
        let (images, state) = fast(p, &program);
        let expected = naive(p, &program);
        assert!(
            images == expected,
            "{} seed {seed}: {:#?}\nmissing {:x?}\nextra {:x?}",
            p.name,
            program,
            expected.difference(&images).collect::<Vec<_>>(),
            images.difference(&expected).collect::<Vec<_>>()
        );
        // Contract: the claims that are wrong, and which stores they are wrong about.
        let all = pieces(p, &program);
        let mut wrong = BTreeSet::new();
        for (time, event) in program.iter().enumerate() {
            if let Event::Mark {
                cpu,
                mark: Mark::Claim { .. },
            } = event
            {
                let count = all.iter().filter(|piece| piece.time < time).count();
                let acknowledged = required(p, &program, &all[..count], time, Some(*cpu));
                let durable = required(p, &program, &all[..count], time + 1, None);
                let all = &all[..count];
                let lost = (0..count).filter(|&i| {
                    !acknowledged[i]
                        && (durable[i] || !overwritten(all, &durable, i))
                        && (durable[i] || is_unsure(p, &program, all, &durable, i))
                });
                wrong.extend(lost.map(|i| (time as u64 + 1, all[i].time as u64 + 1)));
            }
        }
        let found: BTreeSet<_> = state
            .violations()
            .iter()
            .map(|v| (v.seq, v.stored_at))
            .collect();
        assert_eq!(found, wrong, "{} seed {seed}: {:#?}", p.name, program);
    }
}

#[test]
fn px86() {
    check(&Profile::PX86, 3000);
}

#[test]
fn amd() {
    check(&Profile::AMD, 3000);
}

#[test]
fn arm() {
    check(&Profile::ARM, 3000);
}

#[test]
fn riscv() {
    check(&Profile::RISCV, 3000);
}

#[test]
fn torn8() {
    for isa in [Isa::X86_64, Isa::Aarch64, Isa::Riscv64] {
        check(&Profile::torn8(isa), 2000);
    }
}

#[test]
fn eadr() {
    for isa in [Isa::X86_64, Isa::Aarch64, Isa::Riscv64] {
        check(&Profile::eadr(isa), 2000);
    }
}
