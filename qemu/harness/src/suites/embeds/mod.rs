//! What embeds the library, each in a file.

mod linux_module;

use crate::report::Suite;
use anyhow::Result;

/// Runs all of them.
pub fn run() -> Result<Vec<Suite>> {
    Ok(vec![linux_module::run()?])
}
