//! Targets beside the tested ones: each builds, or is refused by one sentence of the library's own
//! and nothing after it.
//!
//! Most have no `core` to install, so it is checked from sources, all of them in one run of cargo;
//! then the library is checked for one after the other, which costs next to nothing.

use crate::{
    msrv, process,
    report::{Case, Suite, Verdict},
    toolchain::Toolchain,
    workspace,
};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::process::Command;

/// What is said of a target that the library cannot serve.
const POINTERS: &str = "kpmem needs a target with 64-bit pointers";
const ATOMICS: &str = "kpmem needs a target with atomic compare-and-swap of 8 bytes";

/// One of each kind that builds, as far as the library or what it depends on can tell them apart.
const BUILD: [&str; 5] = [
    // Another format of objects, another convention for calls.
    "x86_64-unknown-uefi",
    // A tested instruction set with the bytes the other way round.
    "aarch64_be-unknown-linux-gnu",
    // Sets without a file in `arch/`, of both byte orders, and one that is no CPU's.
    "loongarch64-unknown-none",
    "s390x-unknown-linux-gnu",
    "wasm64-unknown-unknown",
];
/// One of each kind that is refused.
const REFUSED: [(&str, &str); 5] = [
    // 4-byte addresses in registers of 8 bytes.
    ("x86_64-unknown-linux-gnux32", POINTERS),
    ("aarch64-unknown-linux-gnu_ilp32", POINTERS),
    // No compare-and-swap of any size either, which dependencies would not survive.
    ("thumbv6m-none-eabi", POINTERS),
    ("riscv32imc-unknown-none-elf", POINTERS),
    ("bpfel-unknown-none", ATOMICS),
];

/// The rest of what builds, and of what is refused.
const ALSO_BUILD: [&str; 15] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "aarch64-unknown-none",
    "aarch64-unknown-uefi",
    "mips64-unknown-linux-gnuabi64",
    "powerpc64-unknown-linux-gnu",
    "powerpc64le-unknown-linux-gnu",
    "riscv64gc-unknown-hermit",
    "riscv64gc-unknown-linux-gnu",
    "riscv64imac-unknown-none-elf",
    "sparc64-unknown-linux-gnu",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-freebsd",
    "x86_64-unknown-hermit",
    "x86_64-unknown-linux-musl",
];
const ALSO_REFUSED: [(&str, &str); 5] = [
    ("armv7a-none-eabi", POINTERS),
    ("i686-unknown-linux-gnu", POINTERS),
    ("powerpc-unknown-linux-gnu", POINTERS),
    ("thumbv7em-none-eabi", POINTERS),
    ("wasm32-unknown-unknown", POINTERS),
];

/// All that the oldest compiler can build, without those that bring no code for a target alone.
const FEATURES: &str = "acpi,vector,virtio-pmem";

/// Checks the library for one target of each kind, or for `all`.
pub fn run(all: bool) -> Result<Suite> {
    let mut suite = Suite::new("targets", None, None);
    let toolchain = match sources() {
        Ok(toolchain) => toolchain,
        Err(why) => {
            suite.add(Case {
                name: "other targets build or are refused".to_owned(),
                verdict: Verdict::Skipped(format!("no sources of core: {why:#}")),
            });
            return Ok(suite);
        }
    };
    let (mut build, mut refused) = (BUILD.to_vec(), REFUSED.to_vec());
    if all {
        build.extend(ALSO_BUILD);
        refused.extend(ALSO_REFUSED);
    }
    let targets = refused.iter().map(|(target, _)| *target);
    let targets: Vec<_> = build.iter().copied().chain(targets).collect();
    // Its verdict is no case: each target has its own below.
    process::output_of(&mut check(&toolchain, &targets))?;
    for target in build {
        let result = errors(&mut check(&toolchain, &[target]))?;
        suite.add(Case::from_result(
            format!("{target} builds"),
            builds(&result),
        ));
    }
    for (target, sentence) in refused {
        let result = errors(&mut check(&toolchain, &[target]))?;
        let name = format!("{target} is refused by one sentence");
        suite.add(Case::from_result(name, is_refused(&result, sentence)));
    }
    // A refusal that is expected where there is none, and one for another reason.
    let fine = errors(&mut check(&toolchain, &[BUILD[0]]))?;
    let other = errors(&mut check(&toolchain, &[REFUSED[0].0]))?;
    suite.add(Case::check(
        "negative control: a target that builds is not refused, nor by another sentence",
        is_refused(&fine, POINTERS).is_err() && is_refused(&other, ATOMICS).is_err(),
        "it was",
    ));
    Ok(suite)
}

/// A compiler with the sources of `core`: the one in use, the distribution's, the oldest.
fn sources() -> Result<Toolchain> {
    let active = Toolchain::active()?;
    if active.has_sources() {
        return Ok(active);
    }
    Toolchain::distribution().map_or_else(msrv::find, Ok)
}

/// `cargo check` of the library for these targets, with their `core`.
fn check(toolchain: &Toolchain, targets: &[&str]) -> Command {
    let mut command = toolchain.cargo("check");
    command
        .args(["--package", "kpmem", "--features", FEATURES])
        .args(["--keep-going", "--message-format", "json"])
        .arg("-Zbuild-std=core")
        // Cargo has `core` compiled, of which only the interface is needed: twice as long else.
        .env("RUSTFLAGS", "-Zno-codegen -Zmir-opt-level=0")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", workspace::reports().join("targets"))
        .env("CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", "never")
        .args(targets.iter().flat_map(|target| ["--target", target]));
    command
}

/// The errors of a check, first lines only; `Ok` if there were none and it succeeded.
type Checked = Result<(), Vec<String>>;

fn errors(command: &mut Command) -> Result<Checked> {
    let output = process::output_of(command)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = said(&text)?;
    Ok(match output.status.success() {
        true if errors.is_empty() => Ok(()),
        true => Err(errors),
        false if errors.is_empty() => {
            Err(vec![String::from_utf8_lossy(&output.stderr).into_owned()])
        }
        false => Err(errors),
    })
}

/// The errors among cargo's messages, but for how many there were.
fn said(messages: &str) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Message {
        message: Option<Diagnostic>,
    }
    #[derive(Deserialize)]
    struct Diagnostic {
        level: String,
        message: String,
    }
    let mut errors = Vec::new();
    for line in messages.lines() {
        let message: Message = serde_json::from_str(line).context("cannot read cargo's message")?;
        if let Some(said) = message.message
            && said.level.starts_with("error")
            && !said.message.starts_with("aborting due to")
        {
            errors.push(said.message);
        }
    }
    Ok(errors)
}

fn builds(checked: &Checked) -> Result<(), String> {
    checked
        .as_ref()
        .map_or_else(|errors| Err(errors.join("\n")), |()| Ok(()))
}

fn is_refused(checked: &Checked, sentence: &str) -> Result<(), String> {
    match checked.as_ref().map_err(Vec::as_slice) {
        Ok(()) => Err("it builds".to_owned()),
        Err([only]) if only.starts_with(sentence) => Ok(()),
        Err(errors) => Err(format!(
            "not {sentence:?} alone is said, but: {}",
            errors.join("\n")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sentence_alone_is_a_refusal() {
        let sentence = format!("{POINTERS}, which this one lacks");
        let refused = |errors: &[&str]| {
            let errors = errors.iter().map(|&error| error.to_owned()).collect();
            is_refused(&Err(errors), POINTERS)
        };
        assert_eq!(refused(&[&sentence]), Ok(()));
        assert!(refused(&[]).is_err());
        assert!(refused(&["cannot find AtomicU64"]).is_err());
        assert!(refused(&[&sentence, "cannot find AtomicU64"]).is_err());
        assert!(is_refused(&Ok(()), POINTERS).is_err());
    }

    #[test]
    fn errors_are_read_from_cargos_messages() {
        let artifact = r#"{"reason":"compiler-artifact","target":{}}"#;
        let message = |level: &str| {
            format!(
                r#"{{"reason":"compiler-message","message":{{"level":"{level}","message":"x"}}}}"#
            )
        };
        let closing = message("error").replace('x', "aborting due to 1 previous error");
        let all = [
            artifact.to_owned(),
            message("warning"),
            message("error"),
            closing,
        ]
        .join("\n");
        assert_eq!(said(&all).unwrap(), ["x"]);
        assert!(said("warning: not JSON").is_err());
    }
}
