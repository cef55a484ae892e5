//! Programs in a Linux out of Debian's packages, under the crash simulator: in short what `cargo
//! xtask crash --linux` does. Skipped where the packages cannot be had.

use crate::{
    arch::Arch,
    linux::{
        crash::{
            Trial, storage,
            workload::{self, Library},
        },
        guest::Guest,
    },
    report::{Case, Suite, Verdict},
    setup,
};
use anyhow::{Result, ensure};

/// Records of each program.
const RECORDS: u64 = 4;

/// Runs it.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("crash simulator in Linux", Some(Arch::X86_64), None);
    with(&mut suite, libraries(), with_libraries)?;
    with(&mut suite, blocks(), with_blocks)?;
    Ok(suite)
}

fn with(
    suite: &mut Suite,
    prepared: Result<(Trial, Guest)>,
    judge: fn(&Trial, &Guest, &mut Suite) -> Result<()>,
) -> Result<()> {
    match prepared {
        Ok((trial, guest)) => judge(&trial, &guest, suite),
        Err(error) => {
            suite.add(Case {
                name: "programs in Debian's Linux".to_owned(),
                verdict: Verdict::Skipped(format!("they cannot be had: {error:#}")),
            });
            Ok(())
        }
    }
}

fn libraries() -> Result<(Trial, Guest)> {
    ensure!(setup::has_clang(), "there is no C compiler");
    let copies = format!("copy {RECORDS}");
    let careless = format!("persist {RECORDS} careless");
    let undrained = format!("persist {RECORDS} undrained");
    let each = [
        (Library::Libpmem2, copies.as_str()),
        (Library::Kpmem, copies.as_str()),
        (Library::Kpmem, careless.as_str()),
        (Library::Kpmem, undrained.as_str()),
    ];
    let mut trial = workload::one_by_one(Arch::X86_64, &each)?;
    trial.reboots = 2;
    let guest = Guest::new(&trial.spec)?;
    Ok((trial, guest))
}

fn with_libraries(trial: &Trial, guest: &Guest, suite: &mut Suite) -> Result<()> {
    let done = trial.run_in(guest)?;
    let [debian, ours, careless, undrained] = &done.runs[..] else {
        let seen = done.runs.len();
        suite.add(Case::check(
            "four workloads",
            false,
            format!("{seen} were seen"),
        ));
        return Ok(());
    };
    suite.add(Case::check(
        format!(
            "Debian's libpmem2 has copies of 8 bytes torn: in {} of {} crash images",
            debian.recovery, debian.states
        ),
        debian.recovery == RECORDS && debian.contract == 0,
        format!("{:?}", debian.faults()),
    ));
    suite.add(Case::check(
        format!(
            "kpmem has not: {} claims hold, recovery is right on {} crash images",
            ours.claims, ours.states
        ),
        ours.is_clean() && ours.claims == RECORDS && ours.states > RECORDS,
        ours.faults().join("; "),
    ));
    suite.add(Case::check(
        "negative control: a program that flushes nothing is found out",
        careless.contract > 0 && careless.recovery > 0,
        format!("{:?}", careless.faults()),
    ));
    // Each claim is of all records so far. A tick that comes behind a mark would hide some.
    let all = RECORDS * (RECORDS + 1) / 2;
    suite.add(Case::check(
        format!("negative control: where only fences are missing, all {all} records are not there"),
        undrained.contract == all,
        format!("{:?}", undrained.faults()),
    ));
    let sum = |of: fn(&crate::crash::run::Run) -> u64| done.runs.iter().map(of).sum::<u64>();
    let (checked, agreed) = (sum(|run| run.reboot_checked), sum(|run| run.reboot_agreed));
    suite.add(Case::check(
        format!("a new boot on {checked} of the crash images gives the same verdict"),
        checked == 2 && agreed == checked,
        format!("{agreed} of {checked}"),
    ));
    Ok(())
}

fn blocks() -> Result<(Trial, Guest)> {
    ensure!(setup::has_clang(), "there is no C compiler");
    let direct = format!("direct {RECORDS}");
    let careless = format!("buffered {RECORDS} careless");
    let trial = storage::blocks(Arch::X86_64, &[&direct, &careless], "pmem-block")?;
    let guest = Guest::new(&trial.spec)?;
    Ok((trial, guest))
}

/// What the kernel itself writes to a block device.
fn with_blocks(trial: &Trial, guest: &Guest, suite: &mut Suite) -> Result<()> {
    let done = trial.run_in(guest)?;
    let [direct, careless] = &done.runs[..] else {
        let seen = done.runs.len();
        suite.add(Case::check(
            "two workloads",
            false,
            format!("{seen} were seen"),
        ));
        return Ok(());
    };
    suite.add(Case::check(
        format!(
            "Linux keeps blocks that fsync was said of: recovery is right on {} crash images",
            direct.states
        ),
        direct.is_clean() && direct.claims == RECORDS && direct.states > 100 * RECORDS,
        direct.faults().join("; "),
    ));
    suite.add(Case::check(
        "negative control: blocks that fsync was not said of are lost",
        careless.recovery >= RECORDS,
        format!("{:?}", careless.faults()),
    ));
    Ok(())
}
