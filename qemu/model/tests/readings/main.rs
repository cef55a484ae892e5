//! Exploration by what recovery reads against all images, on random programs and recoveries.

mod again;
#[path = "../naive/generate.rs"]
mod generate;
mod large;
mod recovery;

use std::collections::{BTreeMap, BTreeSet};

use generate::random_event;
use kpmem_model::event::Event;
use kpmem_model::explore::{Context, Counts, Explorer, Image, Options};
use kpmem_model::hash::Random;
use kpmem_model::{Contradiction, Isa, Profile, State};
use recovery::{Recovery, Seen};

const LINE: usize = 32;
const SIZE: usize = 3 * LINE;
const BASE: u64 = 0x1000;

/// What an exploration came to.
struct Explored {
    /// The images that were judged, with the verdicts.
    judged: Vec<(Image, u64)>,
    /// Recoveries, those of images that are not judged among them.
    recoveries: u64,
    counts: Counts,
    contradiction: Option<Contradiction>,
}

/// Explores memory of so many lines as a simulator would.
fn explore(
    p: &Profile,
    lines: usize,
    program: &[Event],
    options: &Options,
    recovery: &Recovery,
) -> Explored {
    let mut memory = vec![0; lines * LINE];
    let state = State::new(*p, LINE, BASE, &memory);
    let mut explorer = Explorer::new(state, program, options.clone());
    let (mut judged, mut recoveries) = (Vec::new(), 0);
    while let Some(image) = explorer.next(|addr, bytes| {
        let at = (addr - BASE) as usize;
        memory[at..at + bytes.len()].copy_from_slice(bytes);
    }) {
        recoveries += 1;
        let context = image.context;
        let verdict = recovery.run(&memory, context, |seen| match seen {
            Seen::Read(at, len) => explorer.read(BASE + at as u64, &memory[at..at + len]),
            Seen::Stored(at, len) => explorer.stored(BASE + at as u64, len),
        });
        if image.watched {
            explorer.judged(verdict);
        }
        if !image.aside {
            judged.push((image, verdict));
        }
    }
    Explored {
        judged,
        recoveries,
        counts: explorer.counts(),
        contradiction: explorer.contradiction(),
    }
}

/// Every point is explored by readings.
fn by_readings() -> Options {
    Options {
        limit: 1,
        recoveries: 1 << 16,
        ..Options::default()
    }
}

/// The verdicts of each context.
fn verdicts(explored: &Explored) -> BTreeMap<(u64, u64, u64), BTreeSet<u64>> {
    let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (image, verdict) in &explored.judged {
        let Context {
            begin,
            claims,
            last_claim,
            ..
        } = image.context;
        all.entry((begin, claims, last_claim))
            .or_default()
            .insert(*verdict);
    }
    all
}

fn program(p: &Profile, random: &mut Random, longest: u64) -> Vec<Event> {
    let mut program = Vec::new();
    for i in 0..3 + random.below(longest) {
        let before = program.len() as u64;
        program.push(random_event(random, p, 1 + (i % 15) as u8, before));
    }
    program
}

fn profiles() -> Vec<Profile> {
    let named = |name, isa| Profile::named(name, isa).expect("a profile");
    let mut all = vec![named("amd", Isa::X86_64)];
    for isa in [Isa::X86_64, Isa::Aarch64, Isa::Riscv64] {
        all.extend([Profile::of(isa), Profile::eadr(isa), Profile::torn8(isa)]);
    }
    all
}

/// The verdict of a random recovery tells all that it has read, so that equal sets of verdicts are
/// equal sets of readings.
fn check(p: &Profile, rounds: u64) -> (u64, u64) {
    let (mut few, mut many) = (0, 0);
    for seed in 0..rounds {
        let mut random = Random::new(seed * 6151 + p.name.len() as u64);
        let program = program(p, &mut random, 16);
        let recovery = Recovery::random(&mut random);
        let all = explore(p, 3, &program, &Options::default(), &recovery);
        if all.counts.capped > 0 {
            continue;
        }
        let some = explore(p, 3, &program, &by_readings(), &recovery);
        assert_eq!(some.contradiction, None, "{} seed {seed}", p.name);
        assert_eq!((some.counts.capped, some.counts.left_out), (0, 0));
        let (expected, found) = (verdicts(&all), verdicts(&some));
        assert!(
            expected == found,
            "{} seed {seed}: {program:#?}\n{recovery:#?}\n{expected:x?}\n{found:x?}",
            p.name
        );
        let distinct: usize = found.values().map(BTreeSet::len).sum();
        let probes = 10 * some.counts.by_readings + some.counts.points;
        assert!(
            some.recoveries <= distinct as u64 + probes,
            "{} recoveries for {distinct} readings",
            some.recoveries
        );
        few += distinct as u64;
        many += all.recoveries;
    }
    (few, many)
}

#[test]
fn what_recovery_can_read_is_found_and_nothing_else() {
    for p in profiles() {
        let (few, many) = check(&p, 1000);
        assert!(few < many, "{}: {few} readings of {many} images", p.name);
    }
}

/// The negative control: what is hidden shows, as a contradiction or as a difference.
#[test]
fn a_recovery_that_hides_what_it_reads_is_noticed() {
    let p = Profile::of(Isa::Aarch64);
    let (mut told, mut missed, mut differ) = (0, 0, 0);
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let program = program(&p, &mut random, 16);
        let recovery = Recovery::random(&mut random).hiding();
        let all = explore(&p, 3, &program, &Options::default(), &recovery);
        let some = explore(&p, 3, &program, &by_readings(), &recovery);
        if verdicts(&all).values().all(|verdicts| verdicts.len() == 1) {
            continue;
        }
        differ += 1;
        match some.contradiction {
            Some(why) => {
                told += 1;
                assert!(why.to_string().contains("not seen to read"), "{why}");
            }
            None => missed += u64::from(verdicts(&all) != verdicts(&some)),
        }
    }
    assert!(differ > 100, "{differ} programs have several verdicts");
    assert!(told * 10 > differ * 9, "{told} of {differ} contradicted");
    assert!(told + missed > 0);
}

#[test]
fn shards_are_one_whole() {
    let p = Profile::of(Isa::Riscv64);
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let program = program(&p, &mut random, 40);
        let recovery = Recovery::random(&mut random);
        let options = |shard| Options {
            shard,
            limit: 8,
            ..by_readings()
        };
        let whole = explore(&p, 3, &program, &options((0, 1)), &recovery);
        let ids = |explored: &Explored| {
            explored
                .judged
                .iter()
                .map(|(i, _)| i.id)
                .collect::<Vec<_>>()
        };
        let mut joined = Vec::new();
        for part in 0..3 {
            let part = explore(&p, 3, &program, &options((part, 3)), &recovery);
            assert_eq!(part.counts.points, whole.counts.points);
            assert_eq!(part.counts.by_readings, whole.counts.by_readings);
            assert_eq!(part.counts.duplicates, whole.counts.duplicates);
            joined.extend(ids(&part));
        }
        let mut expected = ids(&whole);
        expected.sort();
        joined.sort();
        assert_eq!(joined, expected, "seed {seed}");
    }
}

#[test]
fn an_image_is_found_again_by_its_name() {
    let p = Profile::of(Isa::Aarch64);
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let program = program(&p, &mut random, 30);
        let recovery = Recovery::random(&mut random);
        let whole = explore(&p, 3, &program, &by_readings(), &recovery);
        for (image, verdict) in whole.judged.iter().step_by(5) {
            let only = Options {
                only: Some(image.id),
                ..by_readings()
            };
            let found = explore(&p, 3, &program, &only, &recovery);
            // One that is looked at whatever recovery reads may be wanted by the walk again.
            assert!(!found.judged.is_empty(), "{}", image.id);
            for (again, same) in &found.judged {
                assert_eq!((again.id, same), (image.id, verdict));
            }
        }
    }
}

#[test]
fn what_recovery_does_not_come_back_from_is_left_out_and_counted() {
    let p = Profile::of(Isa::X86_64);
    let mut left_out = 0;
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let program = program(&p, &mut random, 20);
        let recovery = Recovery::random(&mut random);
        let whole = explore(&p, 3, &program, &by_readings(), &recovery);
        let Some((lost, _)) = whole.judged.last().filter(|(image, _)| image.watched) else {
            continue;
        };
        let options = Options {
            without: vec![lost.id],
            from: Some((lost.id.point, 1000)),
            ..by_readings()
        };
        let rest = explore(&p, 3, &program, &options, &recovery);
        assert!(rest.judged.iter().all(|(image, _)| image.id != lost.id));
        assert!(
            rest.judged
                .iter()
                .all(|(image, _)| image.id.point >= lost.id.point)
        );
        assert!(rest.counts.taken > 1000);
        left_out += rest.counts.left_out;
    }
    assert!(left_out > 0);
}
