//! Debian's Linux as a guest: a module, programs, and programs under the crash simulator, a file
//! for each.

mod carried;
mod crash;
mod dax;
mod guest;
mod module;

use crate::report::Suite;
use anyhow::{Result, anyhow};
use std::thread;

/// Runs them all, two at a time: nearly all of it is guests with one CPU.
pub fn run() -> Result<Vec<Suite>> {
    // What both need is fetched before they run.
    let kernel = module::kernel();
    let (module, others) = thread::scope(|scope| {
        let module = scope.spawn(|| module::run(kernel));
        let others = [dax::run, guest::run, carried::run, crash::run].into_iter();
        (
            module.join(),
            others.map(|run| run()).collect::<Result<Vec<_>>>(),
        )
    });
    let module = module.map_err(|_| anyhow!("the suite of the module panicked"))??;
    let mut suites = vec![module];
    suites.extend(others?);
    Ok(suites)
}
