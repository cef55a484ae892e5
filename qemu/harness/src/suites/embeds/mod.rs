//! kpmem inside other programs: the examples and what they are made of, a file for each.

mod capi;
mod hypervisor;
mod libpmem2;
mod unikernel;

use crate::report::Suite;
use anyhow::Result;

/// Runs them all.
pub fn run() -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    suites.extend(capi::run()?);
    suites.extend(unikernel::run()?);
    suites.extend(hypervisor::run()?);
    suites.push(libpmem2::run()?);
    Ok(suites)
}
