//! The public interface of what is published, item by item, as it was when somebody last looked.
//!
//! The lists are in `golden/`, one for each instruction set. A change to one is a change that users
//! see: `cargo xtask test --bless` writes them anew, and the difference belongs into the changelog.

use super::{
    docs::{self, Docs},
    items,
};
use crate::{
    arch::Arch,
    report::{Case, Suite, Verdict},
    workspace,
};
use anyhow::{Context, Result};
use std::{collections::BTreeSet, fs, path::PathBuf};

/// What is listed; the marks have one interface on all instruction sets.
const LISTS: [(&str, Arch); 4] = [
    ("kpmem", Arch::X86_64),
    ("kpmem", Arch::Aarch64),
    ("kpmem", Arch::Riscv64),
    ("kpmem-marks", Arch::X86_64),
];

/// How many lines of a difference are printed.
const SHOWN: usize = 20;

/// Compares each list with the one that is kept.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("interface", None, None);
    for (package, arch) in LISTS {
        let name = format!("{package} offers on {arch} what is in the list");
        let now = match docs::of(package, arch)? {
            Ok(docs) => list(&docs)?,
            Err(why) => {
                let verdict = Verdict::Skipped(why);
                suite.add(Case { name, verdict });
                continue;
            }
        };
        let path = golden(package, arch);
        // One that is not there has nothing in it, which is told.
        let kept = fs::read_to_string(&path).unwrap_or_default();
        suite.add(Case::from_result(name, compare(&kept, &now)));
        let (lost, _) = kept.trim_end().rsplit_once('\n').unwrap_or_default();
        let gained = format!("{kept}pub fn kpmem::unheard_of()\n");
        suite.add(Case::check(
            format!("negative control: an item more or less of {package} on {arch} is told"),
            compare(lost, &now).is_err() && compare(&gained, &now).is_err(),
            "it was not",
        ));
    }
    Ok(suite)
}

/// Writes the lists anew.
pub fn bless() -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (package, arch) in LISTS {
        let docs = docs::of(package, arch)?.map_err(anyhow::Error::msg)?;
        let path = golden(package, arch);
        fs::write(&path, list(&docs)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        written.push(path);
    }
    Ok(written)
}

fn golden(package: &str, arch: Arch) -> PathBuf {
    workspace::root().join(format!(
        "qemu/harness/golden/interface-{package}-{arch}.txt"
    ))
}

/// One line an item. Of other crates' traits and macros the methods are theirs; of the traits that
/// the compiler implements by itself, [`Send`] and [`Sync`] are what a user of a map asks for.
fn list(docs: &Docs) -> Result<String> {
    let api = public_api::Builder::from_rustdoc_json(&docs.path)
        .omit_blanket_impls(true)
        .build()
        .with_context(|| format!("cannot read {}", docs.path.display()))?;
    let of_the_compiler = [
        "core::marker::Freeze",
        "core::marker::StructuralPartialEq",
        "core::marker::Unpin",
        "core::marker::UnsafeUnpin",
        "core::panic::unwind_safe::",
    ];
    let foreign = items::foreign(&docs.krate);
    let lines = api.items().filter(|item| !foreign.contains(&item.id()));
    let lines = lines.map(ToString::to_string);
    // The porting guide is documentation only.
    let lines = lines.filter(|line| !line.starts_with("pub mod kpmem::guide"));
    let lines = lines.filter(|line| !of_the_compiler.iter().any(|it| line.contains(it)));
    Ok(lines.map(|line| line + "\n").collect())
}

/// What there is now beside what is kept.
fn compare(kept: &str, now: &str) -> Result<(), String> {
    if now.is_empty() {
        return Err("nothing is public".to_owned());
    }
    let [kept, now] = [kept, now].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = kept.difference(&now).map(|line| format!("- {line}"));
    let new = now.difference(&kept).map(|line| format!("+ {line}"));
    let all: Vec<_> = gone.chain(new).collect();
    if all.is_empty() {
        return Ok(());
    }
    let more = all.len().saturating_sub(SHOWN);
    let mut said = all[..all.len() - more].join("\n");
    if more > 0 {
        said += &format!("\nand {more} more");
    }
    Err(format!(
        "the public interface has changed; if that is meant, keep it by `cargo xtask test --bless` \
         and say so in CHANGELOG.md:\n{said}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_line_more_or_less_is_told() {
        assert_eq!(compare("a\nb\n", "b\na\n"), Ok(()));
        let said = compare("a\nb\n", "a\nc\n").unwrap_err();
        assert!(said.ends_with("CHANGELOG.md:\n- b\n+ c"), "{said}");
        let many: String = (0..30).map(|n| format!("{n}\n")).collect();
        assert!(compare("", &many).unwrap_err().ends_with("and 10 more"));
        assert!(compare("a\n", "").is_err());
        assert!(compare("", "").is_err());
    }
}
