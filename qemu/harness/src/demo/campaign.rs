//! Many power cuts on one machine, and the tally of what was kept.

use super::kernel;
use crate::{
    image::{DEFAULT_SIZE, Image},
    machine::Machine,
    protocol::Recovered,
    workspace,
};
use anyhow::{Context, Result};
use fastrand::Rng;
use kpmem_log::MAX_PAYLOAD;
use serde::Serialize;
use std::{path::Path, time::Duration};

/// The power goes so many milliseconds after the first acknowledgement.
const DELAY: std::ops::Range<u64> = 20..250;
/// Cuts of the broken log: one that happens to hit the moment after it wrote loses nothing.
const CONTROL_CUTS: u32 = 5;

/// What one machine kept.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// What was cut: the instruction set, or the kernel.
    pub name: String,
    /// Power cuts.
    pub cuts: u32,
    /// Records that the kernel said are durable.
    pub acknowledged: u64,
    /// Records found after the cuts; some are durable that the kernel had no time to acknowledge.
    pub recovered: u64,
    /// Acknowledged records that were gone.
    pub lost: u64,
    /// Records that were committed and not whole, or not what was written.
    pub torn: u64,
    /// Whether the loss of a log that acknowledges too early was noticed.
    pub control_caught: bool,
}

impl Tally {
    /// Whether everything is as promised.
    pub fn is_good(&self) -> bool {
        self.lost == 0 && self.torn == 0 && self.control_caught && self.acknowledged > 0
    }
}

/// Cuts the power `cuts` times, then tries the broken log.
pub fn run(name: &str, machine: &Machine, kernel: &Path, cuts: u32, mut rng: Rng) -> Result<Tally> {
    let mut tally = Tally {
        name: name.to_owned(),
        ..Tally::default()
    };
    while tally.cuts < cuts {
        one_log(machine, kernel, cuts, &mut rng, &mut tally)?;
    }
    tally.control_caught = control(machine, kernel, &mut rng)?;
    Ok(tally)
}

/// Cuts until enough or until the log is full. One boot serves a cut: it recovers what the
/// cut before left, and goes on appending.
fn one_log(
    machine: &Machine,
    kernel: &Path,
    cuts: u32,
    rng: &mut Rng,
    tally: &mut Tally,
) -> Result<()> {
    let image = Image::fresh(DEFAULT_SIZE)?;
    let seed = rng.u64(..);
    let mut promised = 0;
    let mut before = tally.acknowledged;
    while tally.cuts < cuts {
        let delay = Duration::from_millis(rng.u64(DELAY));
        let boot = kernel::cut(machine, kernel, &image, "append", seed, delay)
            .with_context(|| format!("{} append, cut {}", tally.name, tally.cuts + 1))?;
        judge(&image, seed, promised, boot.recovered, tally)?;
        promised = boot.acknowledged.unwrap_or(boot.recovered.records);
        tally.acknowledged += promised - boot.recovered.records.min(promised);
        if boot.full {
            break;
        }
        tally.cuts += 1;
        if boot.recovered.torn > 0 {
            return Ok(());
        }
        eprintln!(
            "{:8} power cut {:3} of {cuts}, {:3} ms after the first acknowledgement: \
             {} records acknowledged since the last",
            tally.name,
            tally.cuts,
            delay.as_millis(),
            tally.acknowledged - before,
        );
        before = tally.acknowledged;
    }
    let last = kernel::recover(machine, kernel, &image, seed)
        .with_context(|| format!("{} recover", tally.name))?;
    judge(&image, seed, promised, last, tally)?;
    tally.recovered += last.records;
    Ok(())
}

/// Compares what recovery found with what was promised and with what must be there.
fn judge(
    image: &Image,
    seed: u64,
    promised: u64,
    found: Recovered,
    tally: &mut Tally,
) -> Result<()> {
    let lost = promised.saturating_sub(found.records);
    let mut torn = found.torn;
    if found.digest != digest(seed, found.records) {
        torn += 1;
    }
    if lost + torn > 0 {
        let name = format!(
            "lost-{}-{}.image",
            tally.name.replace([' ', ','], "-"),
            tally.cuts
        );
        let kept = image.save(&workspace::reports().join(name))?;
        eprintln!(
            "{:8} DATA LOSS after power cut {}: {promised} records were acknowledged, {} are there, \
             {torn} torn; log seed {seed}, image kept in {}",
            tally.name,
            tally.cuts,
            found.records,
            kept.display(),
        );
    }
    tally.lost += lost;
    tally.torn += torn;
    Ok(())
}

/// The digest of a log's first records, from nothing but the seed.
fn digest(seed: u64, records: u64) -> u64 {
    kpmem_log::digest(seed, MAX_PAYLOAD, records).0
}

/// Whether a cut of the broken log, which acknowledges before it writes, is seen as a loss.
fn control(machine: &Machine, kernel: &Path, rng: &mut Rng) -> Result<bool> {
    for _ in 0..CONTROL_CUTS {
        let image = Image::fresh(DEFAULT_SIZE)?;
        let seed = rng.u64(..);
        let delay = Duration::from_millis(rng.u64(DELAY));
        let boot = kernel::cut(machine, kernel, &image, "control", seed, delay)
            .with_context(|| format!("{} control", machine.arch))?;
        let found = kernel::recover(machine, kernel, &image, seed)
            .with_context(|| format!("{} control, recover", machine.arch))?;
        if boot.acknowledged.unwrap_or(0) > found.records {
            return Ok(true);
        }
    }
    Ok(false)
}
