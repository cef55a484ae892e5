//! What the module refuses, and how it comes and goes: the cases of `guest/checks.sh`.

use super::kernel::Kernel;
use crate::{
    boot::{End, Vm},
    image::Image,
    machine::Machine,
    protocol::{self, Outcome},
};
use anyhow::{Result, bail};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);
/// Bytes of the NVDIMM, and of the memory that `memmap=` takes from the RAM.
const BYTES: u64 = 16 << 20;
/// Where the NVDIMM is.
const NVDIMM: u64 = 0x1_0000_0000;
/// Where memory is taken from the RAM.
const LEGACY: u64 = 128 << 20;
/// The fewest cases that make sense: a script that ends early must not pass.
const FEWEST: usize = 36;

/// Boots the machine, which must be one for these checks, and returns the cases.
pub fn run(machine: &Machine, kernel: &Kernel) -> Result<Vec<(String, Result<(), String>)>> {
    let image = Image::fresh(BYTES)?;
    let args = format!(
        "memmap={BYTES:#x}!{LEGACY:#x} nvdimm={NVDIMM:#x} legacy={LEGACY:#x} bytes={BYTES:#x}"
    );
    let vm = Vm::boot(machine, kernel.image(), &image, &args)?;
    let mut cases = Vec::new();
    let mut last = String::new();
    let end = vm.run(LIMIT, |line| {
        if let Some((name, outcome)) = protocol::case(&line.text) {
            let result = match outcome {
                Outcome::Ok => Ok(()),
                Outcome::Failed(why) | Outcome::Skipped(why) => Err(why),
            };
            cases.push((name.to_owned(), result));
        }
        last = line.text;
    })?;
    if end != End::Exit(0) || cases.len() < FEWEST {
        bail!(
            "the checks ended after {} cases: {end}; the last line: {last}",
            cases.len()
        );
    }
    Ok(cases)
}
