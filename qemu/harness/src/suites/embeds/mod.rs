//! What embeds the library, each in a file.

mod capi;
mod libpmem2;

use crate::report::Suite;
use anyhow::Result;

/// Runs all of them.
pub fn run() -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    suites.extend(capi::run()?);
    suites.push(libpmem2::run()?);
    Ok(suites)
}
