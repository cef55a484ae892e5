//! The module of `examples/linux-module` in Debian's kernel for RISC-V, where no program can flush:
//! what `cargo xtask linux-module --arch riscv64` does. Skipped where the packages cannot be had.

use crate::{
    arch::Arch,
    linux::{cross::Kit, module::Build},
    report::{Case, Suite, Verdict},
};
use anyhow::Result;

/// Runs it.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("linux module", Some(Arch::Riscv64), None);
    match Kit::get(Arch::Riscv64) {
        Ok(kit) => with(&kit, &mut suite)?,
        Err(error) => suite.add(Case {
            name: "a module in Debian's kernel".to_owned(),
            verdict: Verdict::Skipped(format!("it cannot be built: {error:#}")),
        }),
    }
    Ok(suite)
}

fn with(kit: &Kit, suite: &mut Suite) -> Result<()> {
    suite.note(format!("Linux {}", kit.kernel.release()));
    let module = kit.build(Build::Crash)?;
    let right = kit.judge(&module, Build::Crash)?;
    suite.add(Case::check(
        format!(
            "crash simulator: {} claims hold, recovery is right on {} crash images",
            right.claims, right.images
        ),
        right.faults.is_empty(),
        right.faults.join("; "),
    ));
    let unflushed = kit.simulate(Build::Unflushed)?;
    suite.add(Case::check(
        "negative control: a module that flushes nothing is found out",
        unflushed.is_caught(),
        unflushed.faults.join("; "),
    ));
    suite.add(Case::from_result(
        "negative control: harts without Zicbom are refused",
        kit.refuses(&module),
    ));
    Ok(())
}
