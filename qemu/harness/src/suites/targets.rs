//! Targets that cannot keep what the library promises are refused by a sentence of its own, and
//! others without an instruction set in `arch/` build; and each feature builds alone.

use crate::{
    process,
    report::{Case, Suite, Verdict},
    toolchain::Toolchain,
    workspace,
};
use anyhow::Result;
use std::{process::Command, time::Duration};

const POINTERS: &str = "kpmem needs a target with 64-bit pointers";

/// A target, and what is said of it.
const TARGETS: [(&str, Option<&str>); 6] = [
    // 4-byte addresses, also where registers have 8 bytes.
    ("i686-unknown-linux-gnu", Some(POINTERS)),
    ("x86_64-unknown-linux-gnux32", Some(POINTERS)),
    ("thumbv7em-none-eabi", Some(POINTERS)),
    // No compare-and-swap of any size: a dependency would fail first.
    ("thumbv6m-none-eabi", Some(POINTERS)),
    ("riscv32imc-unknown-none-elf", Some(POINTERS)),
    ("loongarch64-unknown-none", None),
];

/// Each alone, and none.
const FEATURES: [&str; 11] = [
    "",
    "detect",
    "page",
    "vector",
    "bytemuck",
    "zerocopy",
    "nfit",
    "acpi",
    "fdt",
    "virtio-pmem",
    "nfit,virtio-pmem",
];

/// Some ten megabytes.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Checks the library for each target whose `core` can be had.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("targets", None, None);
    let active = Toolchain::active()?;
    for (target, refused) in TARGETS {
        let name = match refused {
            Some(_) => format!("{target} is refused"),
            None => format!("{target} builds"),
        };
        let verdict = if install(target) {
            let (built, errors) = check(&active, &["--target", target])?;
            verdict(built, &errors, refused)
        } else {
            Verdict::Skipped("its core is not there, and rustup cannot fetch it".to_owned())
        };
        suite.add(Case { name, verdict });
    }
    for features in FEATURES {
        let (built, errors) = check(&active, &["--no-default-features", "--features", features])?;
        let quiet = built && errors.is_empty();
        let name = format!("the features [{features}] build without a warning");
        suite.add(Case::check(name, quiet, errors));
    }
    Ok(suite)
}

/// Adds a target to the compiler in use.
fn install(target: &str) -> bool {
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", target])
        .current_dir(workspace::root());
    process::run_within(&mut rustup, RUSTUP_LIMIT).is_ok()
}

/// Whether the library builds, and what the compiler says.
fn check(active: &Toolchain, how: &[&str]) -> Result<(bool, String)> {
    let mut command = active.cargo("check");
    command.args(["--quiet", "--package", "kpmem"]).args(how);
    let output = process::output_of(&mut command)?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.success(), errors))
}

fn verdict(built: bool, errors: &str, refused: Option<&str>) -> Verdict {
    match refused {
        None if built => Verdict::Passed,
        None => Verdict::Failed(errors.to_owned()),
        Some(_) if built => Verdict::Failed("it builds".to_owned()),
        Some(sentence) if errors.contains(sentence) => Verdict::Passed,
        Some(sentence) => Verdict::Failed(format!("{sentence:?} is not said: {errors}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sentence_is_a_refusal() {
        let said = format!("error: {POINTERS}: it promises");
        assert_eq!(verdict(false, &said, Some(POINTERS)), Verdict::Passed);
        assert_eq!(verdict(true, "", None), Verdict::Passed);
        for (built, errors, refused) in [
            (true, "", Some(POINTERS)),
            (false, "error: cannot find AtomicU64", Some(POINTERS)),
            (false, "", Some(POINTERS)),
            (false, &said, None),
        ] {
            let verdict = verdict(built, errors, refused);
            assert!(matches!(verdict, Verdict::Failed(_)), "{verdict:?}");
        }
    }
}
