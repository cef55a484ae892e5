//! Moments with more images than anybody can try.

use kpmem_model::event::{Barrier, Event, FlushKind, Mark, Store};
use kpmem_model::explore::{Explorer, Options};
use kpmem_model::{Isa, Profile, State};

use crate::{BASE, LINE};

fn store(word: usize, value: u64) -> Event {
    Event::Store(Store::new(0, BASE + word as u64 * 8, &value.to_le_bytes()))
}

/// Explores words of memory by readings; the verdicts, and the counts.
fn explore(
    p: Profile,
    lines: usize,
    trace: &[Event],
    options: Options,
    recover: impl Fn(&mut dyn FnMut(usize) -> u64) -> u64,
) -> (Vec<u64>, kpmem_model::explore::Counts) {
    let mut memory = vec![0; lines * LINE];
    let state = State::new(p, LINE, BASE, &memory);
    let mut explorer = Explorer::new(state, trace, options);
    let mut verdicts = Vec::new();
    while let Some(image) = explorer.next(|addr, bytes| {
        let at = (addr - BASE) as usize;
        memory[at..at + bytes.len()].copy_from_slice(bytes);
    }) {
        let verdict = recover(&mut |word| {
            let bytes = &memory[word * 8..word * 8 + 8];
            explorer.read(BASE + word as u64 * 8, bytes);
            u64::from_le_bytes(bytes.try_into().unwrap())
        });
        if image.watched {
            explorer.judged(verdict);
        }
        verdicts.push(verdict);
    }
    (verdicts, explorer.counts())
}

fn options() -> Options {
    Options {
        recoveries: 1 << 16,
        ..Options::default()
    }
}

/// A record of sixty lines, each with a tag that was stored before what it stands for.
#[test]
fn two_to_the_sixtieth() {
    const WORDS: usize = LINE / 8;
    let words = |line| [store(line * WORDS, 7), store(line * WORDS + 1, 9)];
    let trace: Vec<_> = (0..60).flat_map(words).collect();
    let tagged = |load: &mut dyn FnMut(usize) -> u64| {
        if (0..60).all(|line| load(line * WORDS) == 7) {
            return u64::from((0..60).any(|line| load(line * WORDS + 1) != 9));
        }
        0
    };
    let weak = Profile::eadr(Isa::Riscv64);
    for p in [
        Profile::PX86,
        Profile::ARM,
        Profile::torn8(Isa::X86_64),
        weak,
    ] {
        let (verdicts, counts) = explore(p, 60, &trace, options(), tagged);
        assert_eq!((counts.capped, counts.by_readings), (0, 1), "{}", p.name);
        assert!(verdicts.contains(&1), "{}", p.name);
        assert!(verdicts.len() < 150, "{}: {}", p.name, verdicts.len());
        let (verdicts, counts) = explore(p, 60, &trace, Options::default(), tagged);
        assert_eq!(counts.capped, 1);
        assert!(
            p.name == "eadr" || !verdicts.contains(&1),
            "{}: by chance",
            p.name
        );
    }
}

/// A line with very many stores has each of its values looked at.
#[test]
fn ten_thousand_stores_to_one_word() {
    let trace: Vec<_> = (1..=10_000).map(|value| store(0, value)).collect();
    let recover = |load: &mut dyn FnMut(usize) -> u64| load(0);
    let (mut verdicts, counts) = explore(Profile::PX86, 1, &trace, options(), recover);
    verdicts.sort_unstable();
    verdicts.dedup();
    assert_eq!(counts.capped, 0);
    assert!(verdicts.into_iter().eq(0..=10_000));
}

/// Stores that change nothing are no choice, and neither are bytes that nobody reads.
#[test]
fn what_makes_no_difference_is_not_tried() {
    let trace: Vec<_> = (0..200)
        .map(|word| store(word, u64::from(word < 40)))
        .collect();
    let all = |load: &mut dyn FnMut(usize) -> u64| (40..200).map(load).sum();
    let (verdicts, counts) = explore(Profile::ARM, 50, &trace, options(), all);
    assert_eq!((counts.capped, verdicts.len()), (0, 10));
}

/// More readings than there is time for.
#[test]
fn what_is_too_much_is_sampled_and_counted() {
    let trace: Vec<_> = (0..60).map(|line| store(line * 4, 7)).collect();
    let sum = |load: &mut dyn FnMut(usize) -> u64| {
        let weighed = (0..60).map(|line| load(line * 4) << (line % 32));
        weighed.fold(0, u64::wrapping_add)
    };
    let few = Options {
        recoveries: 100,
        ..Options::default()
    };
    let (verdicts, counts) = explore(Profile::PX86, 60, &trace, few, sum);
    assert_eq!((counts.capped, counts.by_readings), (1, 1));
    assert!(counts.left_out > 0);
    // Then none, all, each alone, each missing, and the random ones.
    assert_eq!(verdicts.len(), 100 + 2 + 60 + 60 + 256);
}

/// What a claim makes certain is certain to recovery too.
#[test]
fn contexts_are_apart() {
    let claim = |id| Event::Mark {
        cpu: 0,
        mark: Mark::Claim {
            addr: BASE,
            len: 8,
            id,
        },
    };
    let mut trace: Vec<_> = (0..20).map(|line| store(line * 4, 7)).collect();
    trace.push(claim(1));
    let flushes = (0..20).map(|line| Event::Flush {
        cpu: 0,
        addr: BASE + line * LINE as u64,
        kind: FlushKind::Clwb,
    });
    trace.extend(flushes);
    trace.push(Event::Barrier {
        cpu: 0,
        barrier: Barrier::Sfence,
    });
    let first = |load: &mut dyn FnMut(usize) -> u64| load(0);
    let (_, counts) = explore(Profile::PX86, 20, &trace, options(), first);
    // At the claim, and before the fence, in the same context: the readings are known by then.
    assert_eq!((counts.by_readings, counts.capped), (2, 0));
    assert_eq!(counts.taken, 2 * 10 + 1, "the last point is eager");
}
