//! `cargo xtask linux-module --arch`: what there is for other instruction sets than x86_64.

use crate::{
    arch::Arch,
    crash::plugin,
    linux::{cross::Kit, module::Build, simulated::Simulated},
    parallel,
    report::write_json,
    setup,
    tools::Need,
};
use anyhow::{Context, Result};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Serialize)]
struct Report {
    arch: &'static str,
    kernel: String,
    good: bool,
    right: Simulated,
    unflushed: Simulated,
    /// Whether a CPU without the instruction is refused.
    refuses: bool,
}

pub(super) fn run(arch: Arch) -> Result<ExitCode> {
    setup::ensure_these(&[
        Need::Qemu(arch),
        Need::Core(arch),
        Need::Objdump(arch),
        Need::Linker,
        Need::Kbuild,
    ])?;
    let kit = Kit::get(arch)?;
    plugin::build()?;
    let kernel = kit.kernel.release();
    eprintln!("building the module for Linux {kernel}");
    let modules = [Build::Crash, Build::Unflushed].map(|build| Ok((build, kit.build(build)?)));
    let modules = modules.into_iter().collect::<Result<Vec<_>>>()?;
    let mut each = parallel::map(&modules, |(build, module)| kit.judge(module, *build)).into_iter();
    let mut next = || each.next().context("a build was not tried")?;
    let (right, unflushed) = (next()?, next()?);
    println!(
        "Linux {kernel}, simulated: {} claims of {} bytes, {} crash images; without flushes: {}",
        right.claims,
        right.claimed_bytes,
        right.images,
        if unflushed.is_caught() {
            "found out"
        } else {
            "NOT found out"
        }
    );
    for fault in &right.faults {
        println!("    FAILED: {fault}");
    }
    let refuses = kit.refuses(&modules[0].1);
    match &refuses {
        Ok(()) => println!("A CPU without the instruction is refused"),
        Err(why) => println!("    FAILED: a CPU without the instruction is not refused: {why}"),
    }
    let good = right.faults.is_empty() && unflushed.is_caught() && refuses.is_ok();
    let report = Report {
        arch: arch.name(),
        kernel,
        good,
        right,
        unflushed,
        refuses: refuses.is_ok(),
    };
    write_json(&format!("linux-module-{arch}"), &report).context("cannot keep the report")?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
