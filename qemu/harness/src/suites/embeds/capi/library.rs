//! The static library of each target, as it is built.

use super::compile::{for_bare, object, with_floats};
use crate::{
    arch::Arch,
    artefact::sizes::Sizes,
    capi::{
        self,
        archive::{self, Target},
        checks::{self, Library},
    },
    process,
    report::{Case, Suite},
    setup, workspace,
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// What the host's library takes from C's: on bare metal it brings its own.
const OF_C: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

/// Builds and checks a target's library.
pub(super) fn run(target: Target) -> Result<Suite> {
    let bare = match target {
        Target::Host => None,
        Target::Bare(arch) => Some(arch),
    };
    let mut suite = Suite::new("C library", bare, None);
    let raw = archive::raw(target)?;
    let library = capi::library(target, false)?;
    let read = Library::read(&library)?;
    let allowed = if bare.is_some() { &[][..] } else { &OF_C };
    suite.add(Case::from_result(
        "it defines no name but its own",
        read.defines_its_own(),
    ));
    suite.add(Case::from_result(
        "it wants no name of others",
        read.wants_only(allowed),
    ));
    suite.add(Case::from_result(
        "it has no tables for unwinding, constructors or thread-local data",
        read.has_plain_sections(),
    ));
    let raw = Library::read(&raw)?;
    suite.add(Case::check(
        "negative control: in the compiler's own library other names are seen",
        raw.defines_its_own().is_err(),
        "they are not",
    ));
    if let Some(arch) = bare {
        machine_code(arch, &library, &mut suite)?;
        if setup::has_clang() {
            from_c(arch, &library, &read, &mut suite)?;
        }
    }
    Ok(suite)
}

/// The functions whose instruction is settled.
fn settled(arch: Arch) -> Vec<String> {
    let names: &[_] = match arch {
        Arch::X86_64 => &["clwb", "clflushopt", "clflush"],
        Arch::Aarch64 => &["cvap64", "cvac64"],
        Arch::Riscv64 => &["zicbom64"],
    };
    const EACH: [&str; 5] = ["persist", "flush", "drain", "memmove", "memset"];
    let byte = EACH.map(|what| format!("kpmem_byte_{what}"));
    let lines = names.iter().flat_map(|name| {
        let each = EACH.into_iter().chain(["writeback_invalidate"]);
        each.map(move |what| format!("kpmem_{name}_{what}"))
    });
    lines.chain(byte).collect()
}

fn machine_code(arch: Arch, library: &Path, suite: &mut Suite) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a directory for programs")?;
    let program = checks::linked(arch, library, folder.path())?;
    suite.note(format!("all of it: {}", Sizes::of(&program, &[])));
    suite.add(Case::from_result(
        "nothing can panic",
        checks::nothing_panics(&program),
    ));
    suite.add(Case::from_result(
        "no vector or float register",
        checks::general_registers(&program),
    ));
    let settled = settled(arch);
    let names: Vec<_> = settled.iter().map(String::as_str).collect();
    suite.add(Case::from_result(
        "settled functions, and what they call, call nothing through a pointer",
        checks::are_direct(&program, &names),
    ));
    let by_table = checks::are_direct(&program, &["kpmem_map_persist"]);
    suite.add(Case::check(
        "negative control: a map's call by its table is seen",
        by_table.is_err_and(|why| why.contains('`')),
        "it is not",
    ));
    Ok(())
}

/// What a kernel in C has of it, and an object that breaks each rule.
fn from_c(arch: Arch, library: &Path, read: &Library, suite: &mut Suite) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a directory for objects")?;
    let declared = declared(arch)?;
    // libpmem2.h has more: its names, and what it needs in addition.
    let ours = read
        .defined
        .iter()
        .filter(|name| name.starts_with("kpmem_"));
    let ours = ours.filter(|name| !name.starts_with("kpmem_pmem2_"));
    let ours: BTreeSet<_> = ours.cloned().collect();
    let differ: Vec<_> = declared.symmetric_difference(&ours).cloned().collect();
    suite.add(Case::check(
        format!(
            "the header declares its {} functions, and no other",
            declared.len()
        ),
        differ.is_empty() && declared.len() > 75,
        format!("they differ in {}", differ.join(", ")),
    ));
    let everything = everything(arch, &declared, folder.path())?;
    suite.add(Case::from_result(
        "a program without any other library links with it",
        link(arch, &everything, Some(library), folder.path()),
    ));
    suite.add(Case::check(
        "negative control: it does not link without it",
        link(arch, &everything, None, folder.path()).is_err(),
        "it does",
    ));
    if arch == Arch::Riscv64 {
        let mut compiler = for_bare(arch);
        compiler.args(["-march=rv64imac", "-mabi=lp64"]);
        let everything = object(compiler, &folder.path().join("everything.c"), folder.path())?;
        suite.add(Case::from_result(
            "a kernel that is compiled for lp64 links with the library for it",
            link(
                arch,
                &everything,
                Some(&capi::without_floats(library)?),
                folder.path(),
            ),
        ));
        suite.add(Case::check(
            "negative control: with the other one it does not",
            link(arch, &everything, Some(library), folder.path()).is_err(),
            "it does",
        ));
    }
    controls(arch, folder.path(), suite)
}

/// The functions that the header declares for an instruction set.
fn declared(arch: Arch) -> Result<BTreeSet<String>> {
    let mut command = for_bare(arch);
    let text = process::stdout_of(
        command
            .args(["-E", "-P"])
            .arg(capi::include().join("kpmem.h")),
    )?;
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("kpmem_") {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let before = text[..at].chars().next_back();
        let rest = &text[at..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if rest[end..].starts_with('(') && !before.is_some_and(is_name) {
            names.insert(rest[..end].to_owned());
        }
    }
    Ok(names)
}

/// A program with the address of every function.
fn everything(arch: Arch, names: &BTreeSet<String>, folder: &Path) -> Result<PathBuf> {
    let source = folder.join("everything.c");
    let mut text = "#include \"kpmem.h\"\ntypedef void (*any)(void);\nany all[] = {\n".to_owned();
    for name in names {
        text.push_str(&format!("\t(any){name},\n"));
    }
    text.push_str("};\nvoid _start(void);\nvoid _start(void) { all[0](); }\n");
    std::fs::write(&source, text)?;
    object(for_bare(arch), &source, folder)
}

fn link(arch: Arch, object: &Path, library: Option<&Path>, folder: &Path) -> Result<(), String> {
    let mut link = archive::tool(arch, "ld");
    link.args(["-static", "--fatal-warnings", "-z", "noexecstack"])
        .arg(object)
        .args(library);
    link.arg("-o").arg(folder.join("program"));
    process::stdout_of(&mut link)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// An object with one of everything that may not be.
fn controls(arch: Arch, folder: &Path, suite: &mut Suite) -> Result<()> {
    let source = workspace::root().join("capi/tests/controls.c");
    let mut compiler = with_floats(arch);
    compiler.arg("-fasynchronous-unwind-tables");
    let object = object(compiler, &source, folder)?;
    let wrong = Library::read(&object)?;
    let program = checks::linked(arch, &object, folder)?;
    let refused = [
        ("another name", wrong.defines_its_own()),
        ("a name that is wanted", wrong.wants_only(&[])),
        ("a table for unwinding", wrong.has_plain_sections()),
        ("a panic", checks::nothing_panics(&program)),
        ("a float", checks::general_registers(&program)),
    ];
    for (what, result) in refused {
        suite.add(Case::check(
            format!("negative control: {what} is seen"),
            result.is_err(),
            "it is not",
        ));
    }
    Ok(())
}
