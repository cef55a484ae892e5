//! Workloads for the crash simulator.
//!
//! Parameters: `workload` (contract, log, list, rollback, slots, tags, copies, words, cpus, deep,
//! publish, append, archive), `seed` and `runs` (seeds from there on), `mutant` (a seeded bug of
//! the library or of the workload; `a+b` runs the first with these seeds, the second with as many
//! that follow), `mode=reboot` (recover the crash image that memory holds, print
//! the verdict).
#![cfg_attr(target_os = "none", no_std, no_main)]

mod contract;
mod copies;
mod cpus;
mod deep;
mod list;
mod log;
mod mutants;
mod pairs;
mod random;
mod region;
mod slots;
mod strategies;
mod tags;

use kpmem::{BYTE, Table};
use kpmem_marks::{Crash, Mailbox, next_crash, verdict};
use kpmem_runtime::{Machine, println};
use log::Mistake;
use pairs::Pair;
use region::Region;

/// The seeded bug of the two CPUs: one flushes, the other fences.
const WRONG_FENCE: &str = "fence-on-other-cpu";

kpmem_runtime::entry!(kernel);

fn kernel(machine: &Machine) {
    let workload = machine.args.get("workload").unwrap_or("log");
    let mutants = machine.args.get("mutant").unwrap_or("none");
    let first = machine.args.number("seed").unwrap_or(1);
    let runs = machine.args.number("runs").unwrap_or(1);
    for (mutant, nth) in mutants.split('+').zip(0..) {
        with(machine, workload, mutant, first + nth * runs, runs);
    }
}

fn with(machine: &Machine, workload: &str, mutant: &str, first: u64, runs: u64) {
    let table = table(machine, mutant);
    let mut region = Region::new(machine, table);
    if machine.args.get("mode") == Some("reboot") {
        // SAFETY: the mailbox is mapped, and nobody else is running.
        let answer = unsafe { region.mailbox().read_volatile() };
        assert_eq!(answer.magic, Mailbox::MAGIC, "no crash image");
        let crash = Crash {
            begin: answer.begin,
            claims: answer.claims,
            last_claim: answer.last_claim,
        };
        println!("verdict {}", recover(workload, &mut region, crash, mutant));
        return;
    }
    for seed in first..first + runs {
        if let Some(pair) = Pair::named(workload) {
            pair.run(machine, table, seed, mutant);
            continue;
        }
        match workload {
            "contract" => contract::run(&mut region, seed),
            "copies" => copies::run(&mut region, seed, mutant != "none"),
            "cpus" => cpus::run(machine, table, &mut region, seed, mutant == WRONG_FENCE),
            _ => run_and_recover(workload, &mut region, seed, mutant),
        }
    }
}

/// A mutant's table, or the byte-granularity one, or the CPU's own.
fn table(machine: &Machine, mutant: &str) -> &'static Table {
    let cpu = machine.cpu();
    if let Some(table) = mutants::find(mutant, cpu.line) {
        return table;
    }
    if let Some(cpu) = mutants::misdetect(mutant, cpu) {
        return cpu.table().unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(
        [
            "none",
            "undo-not-validated",
            list::DROPPED,
            tags::EARLY,
            tags::REMEMBERS,
            WRONG_FENCE
        ]
        .contains(&mutant)
            || Mistake::named(mutant).is_some()
            || deep::Mistake::named(mutant).is_some()
            || Pair::has(mutant),
        "mutant={mutant} is not known"
    );
    match machine.args.get("table") {
        Some("byte") => &BYTE,
        _ => cpu.table().unwrap_or_else(|error| panic!("{error}")),
    }
}

/// Runs a workload, then its recovery from each crash image.
fn run_and_recover(workload: &str, region: &mut Region, seed: u64, mutant: &str) {
    match workload {
        "log" => log::run(region, seed, mistake(mutant)),
        "list" | "rollback" => list::run(region, seed, mutant == "undo-not-validated"),
        "slots" => slots::run(region, seed),
        "tags" => tags::run(region, seed, mutant == tags::EARLY),
        "deep" => deep::run(region, seed, deep::Mistake::named(mutant)),
        "words" => copies::run_words(region, seed, mutant != "none"),
        _ => panic!(
            "workload={workload}: not one of contract, log, list, rollback, slots, tags, copies, \
             words, cpus, deep, publish, append, archive"
        ),
    }
    // SAFETY: the region leaves the mailbox out.
    while let Some(crash) = unsafe { next_crash(region.mailbox()) } {
        verdict(recover(workload, region, crash, mutant));
    }
}

fn mistake(mutant: &str) -> Mistake {
    Mistake::named(mutant).unwrap_or(Mistake::None)
}

fn recover(workload: &str, region: &mut Region, crash: Crash, mutant: &str) -> u64 {
    if let Some(pair) = Pair::named(workload) {
        return pair.recover(region, crash);
    }
    match workload {
        "log" => log::recover(region, crash.begin, crash.claims, mistake(mutant)),
        "list" | "rollback" => list::recover(region, mutant == list::DROPPED),
        "slots" => slots::recover(region, crash.claims),
        "tags" => {
            let remembers = mutant == tags::REMEMBERS;
            tags::recover(region, crash.begin, crash.claims, remembers)
        }
        "deep" => deep::recover(region, crash.begin),
        "words" => copies::recover_words(region, crash.begin, crash.claims),
        _ => panic!("workload={workload} has no recovery"),
    }
}
