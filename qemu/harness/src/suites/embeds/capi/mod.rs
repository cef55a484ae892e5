//! The C API: the static libraries as they are built, tests in C on the host, and a kernel in C.

mod compile;
mod host;
mod kernel;
mod library;

use crate::{
    arch::Arch,
    capi,
    report::{Case, Suite, Verdict},
    setup,
};
use anyhow::Result;

/// Runs all of it; without a C compiler nothing but the look at the libraries.
pub fn run() -> Result<Vec<Suite>> {
    capi::headers()?;
    let mut suites = Vec::new();
    for target in capi::targets() {
        suites.push(library::run(target)?);
    }
    if !setup::has_clang() {
        let mut suite = Suite::new("kernels in C", None, None);
        suite.add(Case {
            name: "tests in C".to_owned(),
            verdict: Verdict::Skipped("clang is not installed".to_owned()),
        });
        suites.push(suite);
        return Ok(suites);
    }
    suites.extend(host::run()?);
    for arch in Arch::ALL {
        suites.push(kernel::run(arch)?);
    }
    suites.push(kernel::simulated()?);
    Ok(suites)
}
