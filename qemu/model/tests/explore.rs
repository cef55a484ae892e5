//! Exploration: counts, shards, replay and capped points.

use std::collections::BTreeSet;

use kpmem_model::event::{Barrier, Event, FlushKind, Mark, Store};
use kpmem_model::explore::{Counts, Explorer, Id, Options};
use kpmem_model::{Profile, State};

const BASE: u64 = 0x8000_0000;
const SIZE: usize = 4 << 10;

fn store(at: u64, value: u64) -> Event {
    Event::Store(Store::new(0, BASE + at, &value.to_le_bytes()))
}

fn clwb(at: u64) -> Event {
    Event::Flush {
        cpu: 0,
        addr: BASE + at,
        kind: FlushKind::Clwb,
    }
}

fn barrier(barrier: Barrier) -> Event {
    Event::Barrier { cpu: 0, barrier }
}

fn claim(at: u64, len: u64, id: u64) -> Event {
    Event::Mark {
        cpu: 0,
        mark: Mark::Claim {
            addr: BASE + at,
            len,
            id,
        },
    }
}

/// A log of `records` records of two lines, each committed by a word of its own line.
fn log(records: u64) -> Vec<Event> {
    let mut trace = vec![Event::Mark {
        cpu: 0,
        mark: Mark::Begin { id: 1 },
    }];
    for record in 0..records {
        let at = record * 192;
        trace.extend((0..4).map(|word| store(at + word * 32, record + 1)));
        trace.extend([clwb(at), clwb(at + 64), barrier(Barrier::Sfence)]);
        trace.extend([
            store(at + 128, record + 1),
            clwb(at + 128),
            barrier(Barrier::Sfence),
        ]);
        trace.push(claim(at, 192, record));
    }
    trace
}

fn state() -> State {
    State::new(Profile::PX86, 64, BASE, &[0; SIZE])
}

/// Explores, keeping a memory up to date as a simulator would; checks it against the patches.
fn explore(trace: &[Event], options: Options) -> (Vec<(Id, Vec<u8>)>, Counts) {
    let mut memory = vec![0; SIZE];
    let mut images = Vec::new();
    let mut explorer = Explorer::new(state(), trace, options);
    while let Some(image) = explorer.next(|addr, bytes| {
        let at = (addr - BASE) as usize;
        memory[at..at + bytes.len()].copy_from_slice(bytes);
    }) {
        let mut patched: Vec<u8> = (0..SIZE / 64)
            .flat_map(|line| explorer.state().durable_line(line).to_vec())
            .collect();
        explorer.patches(|addr, bytes| {
            let at = (addr - BASE) as usize;
            patched[at..at + bytes.len()].copy_from_slice(bytes);
        });
        assert!(memory == patched, "image {}", image.id);
        images.push((image.id, memory.clone()));
    }
    let durable = (0..SIZE / 64).flat_map(|line| explorer.state().durable_line(line).to_vec());
    assert!(memory.iter().copied().eq(durable), "memory is left durable");
    (images, explorer.counts())
}

#[test]
fn a_log_has_the_images_that_it_should() {
    let (images, counts) = explore(&log(5), Options::default());
    // A record's two lines hold 0 to 2 of 2 stores each: 9 images, of which the empty one is known
    // but at the start; then its commit word: 1. At the claim nothing is pending, but recovery
    // must find the record from now on: 1.
    assert_eq!(images.len(), 1 + 5 * (9 - 1 + 1 + 1));
    assert_eq!(counts.capped, 0);
    let distinct: BTreeSet<_> = images.iter().map(|(_, memory)| memory).collect();
    assert_eq!(distinct.len(), 5 * 9 + 1);
}

#[test]
fn shards_are_disjoint_and_complete() {
    let trace = log(12);
    let (whole, counts) = explore(&trace, Options::default());
    let mut parts = Vec::new();
    for part in 0..3 {
        let (images, part_counts) = explore(
            &trace,
            Options {
                shard: (part, 3),
                ..Options::default()
            },
        );
        assert!(!images.is_empty());
        assert_eq!(
            Counts {
                taken: 0,
                ..part_counts
            },
            Counts { taken: 0, ..counts }
        );
        parts.extend(images);
    }
    assert_eq!(parts.len(), whole.len());
    parts.sort();
    let mut whole = whole;
    whole.sort();
    assert!(parts == whole);
}

#[test]
fn an_image_is_found_again_by_its_name() {
    let trace = log(8);
    let (whole, _) = explore(&trace, Options::default());
    for (id, memory) in whole.iter().step_by(7) {
        let name: Id = id.to_string().parse().expect("a name");
        let (found, _) = explore(
            &trace,
            Options {
                only: Some(name),
                ..Options::default()
            },
        );
        assert_eq!(found.len(), 1);
        assert!(found[0] == (*id, memory.clone()));
    }
    assert!("7".parse::<Id>().is_err() && "x-1".parse::<Id>().is_err());
}

#[test]
fn a_capped_point_is_sampled_and_counted() {
    let trace: Vec<Event> = (0..20)
        .flat_map(|i| [store(i * 64, 1), store(i * 64 + 8, 1)])
        .collect();
    let run = |seed| {
        explore(
            &trace,
            Options {
                seed,
                samples: 100,
                ..Options::default()
            },
        )
    };
    let (images, counts) = run(1);
    assert_eq!(counts.capped, 1);
    // None, all, each line alone, all but one, and nearly all of the random ones.
    assert!(images.len() > 2 + 20 + 20 + 90, "{}", images.len());
    assert!(images.len() <= 2 + 20 + 20 + 100);
    let lines = |m: &Vec<u8>| (0..20).filter(|i| m[i * 64 + 8] == 1).count();
    for full in [0, 1, 19, 20] {
        let least = if full == 1 || full == 19 { 20 } else { 1 };
        assert!(
            images.iter().filter(|(_, m)| lines(m) == full).count() >= least,
            "{full}"
        );
    }
    assert!(run(1).0 == images, "deterministic");
    assert!(run(2).0 != images, "the seed matters");
}

#[test]
fn four_thousand_and_ninety_six_is_not_capped() {
    let trace: Vec<Event> = (0..12).map(|i| store(i * 64, 1)).collect();
    let (images, counts) = explore(&trace, Options::default());
    assert_eq!(
        (images.len(), counts.capped, counts.duplicates),
        (4096, 0, 0)
    );
}

#[test]
fn begin_makes_what_is_there_durable() {
    let begin = Event::Mark {
        cpu: 0,
        mark: Mark::Begin { id: 9 },
    };
    let (images, _) = explore(
        &[store(0, 7), clwb(0), begin, claim(0, 64, 0)],
        Options::default(),
    );
    assert!(images.iter().all(|(_, memory)| memory[0] == 7));
    let mut state = state();
    [store(0, 7), begin, claim(0, 64, 0)]
        .iter()
        .for_each(|event| state.apply(event));
    assert!(state.violations().is_empty());
}

/// Each store overwrites the one before; recovery can only ever find one of them.
#[test]
fn a_line_with_very_many_stores_shows_some_of_them() {
    let trace: Vec<Event> = (1..=40_000).map(|i| store(0, i)).collect();
    let (images, counts) = explore(&trace, Options::default());
    assert_eq!(counts.capped, 1);
    let values: Vec<_> = images
        .iter()
        .map(|(_, memory)| u64::from_le_bytes(memory[..8].try_into().unwrap()))
        .collect();
    assert!(
        values.contains(&0) && values.contains(&40_000),
        "{values:?}"
    );
    assert!(values.iter().all(|value| *value <= 40_000));
    assert!(values.len() > 20, "{values:?}");
    // And all of them where they are few enough.
    let (images, counts) = explore(&trace[..3000], Options::default());
    assert_eq!((images.len(), counts.capped), (3001, 0));
}
