//! The log under power cuts, damage and garbage.

mod simulated;

use kpmem_log::{Digest, Full, Log, Record, recover};
use simulated::Simulated;

const SEED: u64 = 7;
const LONGEST: usize = 512;

/// Appends to a fresh log; at each step, the images that a power cut may leave, with the number of
/// records acknowledged by then.
fn crashes(records: u64, content: Vec<u8>, persists: fn(usize) -> bool) -> Vec<(u64, Vec<u8>)> {
    let mut memory = Simulated::new(content, persists);
    let mut log = Log::format(SEED, LONGEST, &mut memory).unwrap();
    memory.crashes.clear();
    let mut images = vec![];
    for acknowledged in 0..records {
        assert_eq!(log.append(&mut memory), Ok(acknowledged));
        images.extend(memory.crashes.drain(..).map(|image| (acknowledged, image)));
    }
    images.push((records, memory.durable));
    images
}

fn digest(records: u64) -> Digest {
    kpmem_log::digest(SEED, LONGEST, records)
}

/// Images where an acknowledged record is missing or any record is torn.
fn losses(images: &[(u64, Vec<u8>)]) -> usize {
    let bad = |(acknowledged, image): &&(u64, Vec<u8>)| {
        let found = recover(image, SEED);
        found.torn != 0 || found.records < *acknowledged || found.digest != digest(found.records)
    };
    images.iter().filter(bad).count()
}

#[test]
fn no_power_cut_loses_an_acknowledged_record() {
    let images = crashes(12, vec![0; 8192], |_| true);
    assert!(images.len() > 500);
    assert_eq!(losses(&images), 0);
}

#[test]
fn what_the_memory_held_before_does_not_matter() {
    assert_eq!(losses(&crashes(6, vec![0xff; 4096], |_| true)), 0);
    let mut older = Simulated::new(vec![0; 8192], |_| true);
    let mut log = Log::format(SEED + 1, LONGEST, &mut older).unwrap();
    while log.append(&mut older).is_ok() {}
    assert_eq!(losses(&crashes(6, older.durable, |_| true)), 0);
}

#[test]
fn formatting_is_atomic() {
    let mut memory = Simulated::new(vec![0; 8192], |_| true);
    let mut log = Log::format(SEED + 1, LONGEST, &mut memory).unwrap();
    log.append(&mut memory).unwrap();
    memory.crashes.clear();
    Log::format(SEED, LONGEST, &mut memory).unwrap();
    for image in &memory.crashes {
        let (old, new) = (recover(image, SEED + 1), recover(image, SEED));
        let states = [(old.torn, old.records), (new.torn, new.records)];
        assert!(
            [[(0, 1), (1, 0)], [(0, 0), (0, 0)], [(1, 0), (0, 0)]].contains(&states),
            "{states:?}"
        );
    }
}

/// Negative controls: a log with one kind of persist left out must be seen to fail.
#[test]
fn missing_persists_are_caught() {
    // Of the persists, 1 to 3 belong to the format; then come the body's and the commit's in turn.
    assert_ne!(
        losses(&crashes(6, vec![0; 8192], |n| n <= 3 || n % 2 == 1)),
        0,
        "body"
    );
    assert_ne!(
        losses(&crashes(6, vec![0; 8192], |n| n <= 3 || n % 2 == 0)),
        0,
        "commit"
    );
    assert_ne!(losses(&crashes(6, vec![0; 8192], |n| n <= 3)), 0, "both");
}

#[test]
fn every_damaged_byte_of_a_record_is_seen() {
    let (_, image) = crashes(3, vec![0; 4096], |_| true).pop().unwrap();
    let mut offset = 64;
    for seq in 0..3 {
        let record = Record::generate(SEED, LONGEST, seq);
        for byte in (0..32).chain((0..record.payload_len()).map(|n| 32 + n)) {
            let mut damaged = image.clone();
            damaged[offset + byte] ^= 1 << (byte % 8);
            let found = recover(&damaged, SEED);
            assert_eq!(
                (found.records, found.torn),
                (seq, 1),
                "record {seq}, byte {byte}"
            );
        }
        offset += record.size();
    }
}

#[test]
fn a_truncated_image_gives_what_is_there() {
    let (_, image) = crashes(4, vec![0; 4096], |_| true).pop().unwrap();
    for len in 0..image.len() {
        let found = recover(&image[..len], SEED);
        assert!(found.records <= 4 && found.digest == digest(found.records));
        assert!(
            found.torn == 1 || found.records == 4,
            "{len} bytes: cut short unnoticed"
        );
    }
}

#[test]
fn garbage_is_no_log() {
    let mut state = 1u64;
    for len in (0..2048).step_by(7) {
        let garbage: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .take(len)
        .collect();
        assert_eq!(recover(&garbage, SEED).records, 0);
        // Garbage behind a sound beginning.
        let (_, mut image) = crashes(2, vec![0; 4096], |_| true).pop().unwrap();
        let sound = 64
            + (0..2)
                .map(|seq| Record::generate(SEED, LONGEST, seq).size())
                .sum::<usize>();
        image.truncate(sound);
        image.extend(&garbage);
        let found = recover(&image, SEED);
        assert_eq!((found.records, found.torn), (2, 1));
    }
}

#[test]
fn the_log_goes_on_where_it_was_recovered() {
    let mut memory = Simulated::new(vec![0; 16384], |_| true);
    Log::format(SEED, LONGEST, &mut memory).unwrap();
    let mut expected = 0;
    loop {
        let found = recover(&memory.durable, SEED);
        assert_eq!((found.records, found.torn), (expected, 0));
        match found.log.unwrap().append(&mut memory) {
            Ok(seq) => assert_eq!(seq, expected),
            Err(Full) => break,
        }
        expected += 1;
        memory.crashes.clear();
    }
    assert!(expected > 20);
}

#[test]
fn another_seed_is_another_log() {
    let (_, image) = crashes(2, vec![0; 4096], |_| true).pop().unwrap();
    assert_eq!(
        (
            recover(&image, SEED + 1).records,
            recover(&image, SEED + 1).torn
        ),
        (0, 1)
    );
    assert_eq!(recover(&[0; 4096], SEED).torn, 0);
    assert_eq!(
        Log::format(SEED, LONGEST, &mut Simulated::new(vec![0; 71], |_| true)),
        Err(Full)
    );
}

#[test]
fn records_vary() {
    let lens: Vec<_> = (0..500)
        .map(|seq| Record::generate(SEED, LONGEST, seq).payload_len())
        .collect();
    assert!(lens.iter().all(|len| (16..=512).contains(len)));
    assert!(lens.iter().any(|len| *len < 40) && lens.iter().any(|len| *len > 490));
    let checksum = |seed| Record::generate(seed, LONGEST, 1).checksum();
    assert_ne!(checksum(SEED), checksum(SEED + 1));
}
