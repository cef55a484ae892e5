//! What embeds the library, each in a file.

mod capi;
mod linux_module;

use crate::report::Suite;
use anyhow::Result;

/// Runs all of them.
pub fn run() -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    suites.extend(capi::run()?);
    suites.push(linux_module::run()?);
    Ok(suites)
}
