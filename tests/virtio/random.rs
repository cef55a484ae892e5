//! Devices that answer at random, by the hundred thousand.

use kpmem::virtio::{Error, Pmem};

use super::{
    driver::{Patience, Shared},
    trial::{self, LOOKS, Random},
};

const RUNS: u64 = if cfg!(miri) { 20 } else { 200_000 };

fn flushes(runs: u64, flush: trial::Flush<Shared>) -> (u64, u64) {
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let each = (0..runs).map(|_| trial::flushes(&mut random, flush));
    each.fold((0, 0), |(succeeded, lied), one| {
        (succeeded + one.0, lied + one.1)
    })
}

#[test]
fn success_is_only_what_the_device_did() {
    let (succeeded, lied) = flushes(RUNS, Pmem::flush);
    assert!(succeeded > RUNS / 4, "only {succeeded} FLUSHes succeeded");
    assert_eq!(lied, 0);
}

/// Negative control: a driver that does not look at the result.
fn careless(pmem: &Pmem<Shared, Patience>) -> Result<(), Error> {
    match pmem.flush() {
        Err(Error::Refused { .. }) => Ok(()),
        flushed => flushed,
    }
}

#[test]
fn negative_control_a_driver_that_ignores_the_result_is_caught() {
    let (_, lied) = flushes(RUNS / 20, careless);
    assert!(lied > 0, "nobody noticed");
    // And by the device that always says 1.
    let device = Shared::new(|device| device.answer.ret = Some(1));
    let pmem = device.pmem(device.clone(), LOOKS);
    pmem.start().unwrap();
    assert_eq!((careless(&pmem), device.lock().synced), (Ok(()), 0));
    assert_eq!(pmem.flush(), Err(Error::Refused { ret: 1 }));
}

#[test]
fn devices_start_only_as_they_should() {
    let mut random = Random::new(0x2545_f491_4f6c_dd1d);
    let started = (0..RUNS).filter(|_| trial::starts(&mut random)).count() as u64;
    assert!(started > RUNS / 20, "only {started} started");
}

#[test]
fn noise_in_configuration_space_and_registers_harms_nobody() {
    let mut random = Random::new(0xd1b5_4a32_d192_ed03);
    let found: Vec<_> = (0..RUNS)
        .filter_map(|_| trial::noise(&mut random))
        .collect();
    let started: u64 = found.iter().sum();
    assert!(
        found.len() as u64 > RUNS / 4,
        "only {} were found",
        found.len()
    );
    assert!(started > RUNS / 1000, "only {started} started");
}

#[test]
fn a_page_that_changes_at_random_harms_nobody() {
    let mut random = Random::new(0x94d0_49bb_1331_11eb);
    let answers: u64 = (0..RUNS).map(|_| trial::page(&mut random)).sum();
    assert!(answers > RUNS / 100, "only {answers} FLUSHes were made");
}

/// The fuzzer's entry point, without a fuzzer.
#[test]
fn arbitrary_decisions_harm_nobody() {
    let mut random = Random::new(0x1234_5678_9abc_def1);
    for _ in 0..RUNS / 10 {
        let input: Vec<u8> = (0..random.next() % 64)
            .map(|_| random.next() as u8)
            .collect();
        trial::fuzz(&input);
    }
}
