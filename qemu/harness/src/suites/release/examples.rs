//! Examples: every public type, trait and function is shown in use, and what is shown compiles.
//!
//! The rule: a type, a trait, a function or a method has an example of its own; or one that uses it
//! by name, on its type's page or on that of a module around it. A type's page is its documentation
//! and that of its methods. Fields, variants, constants, the methods of traits, and what a macro of
//! another crate writes need none.
//!
//! Examples run as tests on the host. Those of instruction sets that it has not are compiled here,
//! for the set that they belong to.

use super::{
    blocks::{self, Block},
    docs::{self, Docs},
    items::{self, Entry, Shown},
};
use crate::{
    arch::Arch,
    process,
    report::{Case, Suite, Verdict},
    toolchain::Toolchain,
    workspace,
};
use anyhow::Result;
use std::fs;

const PACKAGES: [&str; 2] = ["kpmem", "kpmem-marks"];

/// Looks at every public item of each package, on each instruction set.
pub(super) fn run() -> Result<Suite> {
    let mut suite = Suite::new("examples", None, None);
    for package in PACKAGES {
        for arch in Arch::ALL {
            match docs::of(package, arch)? {
                Ok(docs) => look(&mut suite, package, arch, docs)?,
                Err(why) => suite.add(Case {
                    name: format!("{package} on {arch} is shown in use"),
                    verdict: Verdict::Skipped(why),
                }),
            }
        }
    }
    Ok(suite)
}

fn look(suite: &mut Suite, package: &str, arch: Arch, mut docs: Docs) -> Result<()> {
    let shown = items::of(&docs.krate)?;
    let (items, without) = (shown.entries.len(), without(&shown.entries));
    suite.add(Case::check(
        format!("all {items} items of {package} on {arch} are shown in use"),
        items > 0 && without.is_empty(),
        format!("{} have no example:\n{}", without.len(), without.join("\n")),
    ));
    let own = of_the_set(&shown, arch);
    if arch != Arch::X86_64 && !own.is_empty() {
        let (good, bad) = (compile(arch, &own)?, compile(arch, &[Block::wrong()])?);
        let name = format!("{} examples of {package} for {arch} compile", own.len());
        suite.add(Case::from_result(name, good));
        suite.add(Case::check(
            format!("negative control: an example for {arch} that does not compile is told"),
            bad.is_err(),
            "it compiled",
        ));
    }
    items::hide_examples(&mut docs.krate);
    let after = self::without(&items::of(&docs.krate)?.entries).len();
    suite.add(Case::check(
        format!("negative control: without examples all items of {package} on {arch} are told"),
        after == items,
        format!("{after} of {items} were"),
    ));
    Ok(())
}

/// The examples of what is there on this instruction set only, and those of the porting guide that
/// name it.
fn of_the_set(shown: &Shown<'_>, arch: Arch) -> Vec<Block> {
    let named = format!("target_arch = \"{}\"", arch.name());
    let entries = shown.entries.iter();
    let pages = entries.map(|entry| (entry.path.as_str(), entry.docs));
    let modules = shown.modules.iter();
    pages
        .chain(modules.map(|(path, docs)| (path.as_str(), *docs)))
        .flat_map(|(path, docs)| {
            let part = path.split("::").nth(1);
            let of_the_set = |block: &Block| match part {
                Some("arch") => true,
                Some("guide") => block.code.contains(&named),
                _ => false,
            };
            blocks::of(docs)
                .into_iter()
                .filter(of_the_set)
                .collect::<Vec<_>>()
        })
        .filter(|block| block.compiles)
        .collect()
}

/// The items that no example shows.
fn without(entries: &[Entry<'_>]) -> Vec<String> {
    let lacking = entries.iter().filter(|entry| !entry.is_shown());
    lacking.map(|entry| entry.path.clone()).collect()
}

/// Whether examples compile for an instruction set, as rustdoc would compile them for the host.
fn compile(arch: Arch, examples: &[Block]) -> Result<Result<(), String>> {
    let dir = workspace::reports().join("examples").join(arch.name());
    fs::create_dir_all(dir.join("src"))?;
    let root = workspace::root();
    // The same versions as the library's own.
    fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock"))?;
    let manifest = format!(
        "[package]\nname = \"examples\"\nedition = \"2024\"\n\
         [dependencies]\nkpmem = {{ path = {0:?}, features = [\"acpi\", \"fdt\"] }}\nkpmem-marks = {{ path = {1:?} }}\n[workspace]\n",
        root,
        root.join("qemu/marks")
    );
    fs::write(dir.join("Cargo.toml"), manifest)?;
    let functions = examples.iter().enumerate();
    let functions = functions.map(|(number, block)| block.function(number));
    let text = functions.collect::<String>();
    fs::write(
        dir.join("src/lib.rs"),
        format!("#![no_std]\n#![allow(unused)]\n{text}"),
    )?;
    let mut check = Toolchain::require(arch)?.cargo_for(arch, "check");
    check
        .args(["--quiet", "--manifest-path"])
        .arg(dir.join("Cargo.toml"))
        .env(
            "CARGO_TARGET_DIR",
            workspace::reports().join("examples/target"),
        );
    let output = process::output_of(&mut check)?;
    Ok(match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    })
}
