//! The way of an embedder: `cargo test --target ...` builds a kernel, and cargo's runner boots it.

use crate::{
    arch::Arch,
    process,
    report::{Case, Suite},
    toolchain::{Core, Toolchain},
};
use anyhow::{Context, Result};
use std::env;

/// Runs the tests of `kpmem-guest` the way that its users run theirs.
pub fn run(arch: Arch) -> Result<Suite> {
    let toolchain = Toolchain::require(arch)?;
    let mut command = toolchain.cargo_for(arch, "test");
    command.args(["--release", "--package", "kpmem-guest"]);
    if toolchain.core == Core::BuildStd {
        // The runner in .cargo/config.toml is cargo itself: it would build this program again,
        // with the compiler and the flags that are meant for the kernel.
        let harness = env::current_exe().context("cannot find my own program")?;
        let key = arch.target().to_uppercase().replace('-', "_");
        command.env(
            format!("CARGO_TARGET_{key}_RUNNER"),
            format!("{} boot", harness.display()),
        );
    }
    let output = process::output_of(&mut command)?;
    let (text, progress) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let mut suite = Suite::new("embedder", Some(arch), None);
    let result = if !output.status.success() {
        Err(format!("cargo test failed ({})", output.status))
    } else if !progress.contains("Running") || !text.contains("kpmem-runtime: arch=") {
        Err("no kernel was booted".to_owned())
    } else {
        Ok(())
    };
    let failed = result.is_err();
    suite.add(Case::from_result(
        format!("cargo test --target {} boots and passes", arch.target()),
        result,
    ));
    if failed {
        suite.note(format!("its output:\n{text}{progress}"));
    }
    Ok(suite)
}
