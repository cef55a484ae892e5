//! The artefact suite: what the compiler made of the library, read from the machine code.

pub mod encoding;
pub mod fixed;
pub mod golden;
pub mod program;
pub mod rules;
pub mod sizes;

use crate::{
    arch::Arch,
    report::{Case, Suite, Verdict},
    toolchain,
};
use anyhow::{Context, Result};
use golden::Golden;
use program::{Entry, Function, Program};
use sizes::Sizes;
use std::{collections::BTreeMap, path::PathBuf};

/// The most that persist, flush and drain of one table may take.
const LARGEST: u64 = 2048;
/// The most that a program takes which lets its CPU be asked, and makes every checked call.
const DETECTED: Sizes = Sizes {
    text: 28 * 1024,
    read_only: 2 * 1024,
    data: 0,
    bss: 1024,
};
/// The most that all tables, their copies, checked calls by every kind of map and selection may
/// take together, with what they use of `core`: no program links as much. What is zero at first:
/// page maps, and which table is selected.
const WHOLE: Sizes = Sizes {
    text: 44 * 1024,
    read_only: 8 * 1024,
    data: 0,
    bss: 8 * 1024,
};
/// The longest a persist of one word may be when all is fixed at compile time.
const HANDFUL: usize = 8;

/// Builds and checks the library for one instruction set.
pub fn run(arch: Arch) -> Result<Suite> {
    let built = toolchain::build(arch, "kpmem-artefact")?;
    let mut suite = Suite::new("artefact", Some(arch), None);
    let program = read(arch, &built, "library")?;
    library(&program, &mut suite)?;
    listings(&program, &mut suite)?;
    let detected = read(arch, &built, "detected")?;
    takes(
        &detected,
        "a kernel that asks its CPU",
        &[],
        DETECTED,
        &mut suite,
    );
    let program = read(arch, &built, "controls")?;
    controls(&program, &mut suite)?;
    fixed::control(&program, &mut suite)?;
    for (name, settings) in fixed::BUILDS {
        let built = toolchain::build_with(arch, "kpmem-artefact", settings)?;
        fixed::check(&read(arch, &built, "fixed")?, name, &mut suite);
    }
    Ok(suite)
}

/// Keeps the listings that the library has now; where.
pub fn bless(arch: Arch) -> Result<PathBuf> {
    let built = toolchain::build(arch, "kpmem-artefact")?;
    Golden::of(&read(arch, &built, "library")?)?.keep(arch)
}

fn read(arch: Arch, built: &BTreeMap<String, PathBuf>, name: &str) -> Result<Program> {
    let path = built.get(name);
    Program::read(
        arch,
        path.with_context(|| format!("kpmem-artefact has no {name}"))?,
    )
}

fn library(program: &Program, suite: &mut Suite) -> Result<()> {
    let arch = program.arch;
    let mut tables = program.index("KPMEM_FUNCTIONS")?;
    tables.extend(program.index("KPMEM_BYTE")?);
    for entry in &tables {
        let name = format!(
            "{} of {} bytes is made of the right instructions",
            entry.name, entry.line
        );
        suite.add(Case::from_result(
            name,
            rules::table(program, entry, &entry.name),
        ));
    }

    let offender = program.functions().find_map(|function| {
        let wrong = rules::general_registers(arch, function).err()?;
        Some(format!("{} {wrong}", function.name))
    });
    suite.add(Case::from_result(
        "no vector or float register anywhere",
        offender.map_or(Ok(()), Err),
    ));

    let panics = rules::panics(program);
    suite.add(Case::from_result(
        "nothing can panic",
        panics.first().map_or(Ok(()), |function| {
            Err(format!("{} can panic", function.name))
        }),
    ));

    let biggest = tables
        .iter()
        .map(|entry| size(program, entry))
        .max()
        .unwrap_or_default();
    let total: u64 = distinct(program, &tables)
        .values()
        .map(|function| function.size)
        .sum();
    let (count, what) = (tables.len(), "persist, flush and drain");
    suite.note(format!(
        "{what}: {biggest} bytes of text; of all {count} tables together: {total}"
    ));
    suite.add(Case::check(
        format!("{what} take less than {LARGEST} bytes"),
        biggest < LARGEST,
        format!("{biggest} bytes"),
    ));

    let own = &["KPMEM_FUNCTIONS", "KPMEM_BYTE"];
    takes(
        program,
        "the library with every table and map",
        own,
        WHOLE,
        suite,
    );

    let word = program
        .named("kpmem_persist_word")
        .context("kpmem_persist_word is missing")?;
    let listing = word
        .instructions
        .iter()
        .map(|instruction| instruction.text.as_str());
    suite.note(format!(
        "persist of one word: {}",
        listing.collect::<Vec<_>>().join("; ")
    ));
    let short = rules::hot(arch, word).and_then(|()| match word.instructions.len() {
        0..=HANDFUL => Ok(()),
        length => Err(format!("{length} instructions")),
    });
    suite.add(Case::from_result(
        format!("persist of one word fixed at compile time takes {HANDFUL} instructions at most"),
        short,
    ));
    Ok(())
}

/// A program, but for its symbols `own`, takes no more than a limit.
fn takes(program: &Program, what: &str, own: &[&str], most: Sizes, suite: &mut Suite) {
    let sizes = Sizes::of(program, own);
    suite.note(format!("{what}: {sizes}"));
    suite.add(Case::check(
        format!("{what} takes no more than {most}"),
        sizes.fits(most),
        sizes.to_string(),
    ));
}

/// Persist is made of the same instructions as it was.
fn listings(program: &Program, suite: &mut Suite) -> Result<()> {
    let built = Golden::of(program)?;
    let verdict = match Golden::kept(program.arch) {
        Some(kept) => kept.compare(&built)?,
        None => Verdict::Failed("no listing is kept: `cargo xtask test --bless`".to_owned()),
    };
    suite.add(Case {
        name: "persist is the code that it was".to_owned(),
        verdict,
    });
    let changed = Golden::parse(&built.to_string().replacen("ret", "nop", 1));
    let changed = changed.context("a listing cannot be read")?;
    suite.add(Case::check(
        "negative control: a changed listing is refused",
        matches!(changed.compare(&built)?, Verdict::Failed(_)),
        "accepted",
    ));
    Ok(())
}

/// Every control has one thing wrong, and must be refused.
fn controls(program: &Program, suite: &mut Suite) -> Result<()> {
    let best = match program.arch {
        Arch::X86_64 => "clwb",
        Arch::Aarch64 => "cvap",
        Arch::Riscv64 => "zicbom",
    };
    for entry in program.index("KPMEM_FUNCTIONS")? {
        let name = format!("negative control: {} is refused", entry.name);
        let result = match (rules::table(program, &entry, best), reason(&entry.name)) {
            (Ok(()), _) => Err("accepted".to_owned()),
            (Err(why), Some(reason)) if why.contains(reason) => Ok(()),
            (Err(why), _) => Err(format!("refused for another reason: {why}")),
        };
        suite.add(Case::from_result(name, result));
    }
    let seen = !rules::panics(program).is_empty();
    suite.add(Case::check(
        "negative control: a panic is seen",
        seen,
        "not seen".to_owned(),
    ));
    Ok(())
}

/// What the refusal of a control must say.
fn reason(control: &str) -> Option<&'static str> {
    Some(match control {
        "a vector or float register" => "vector or float",
        "a panic" | "a call" => "leaves the function",
        "no fence" | "no fence after a drop" => "returns without",
        "a line that is not dropped" => "drop for",
        "an atomic" => "atomic or locked",
        "another instruction" => "has no place here",
        _ => return None,
    })
}

fn size(program: &Program, entry: &Entry) -> u64 {
    distinct(program, std::slice::from_ref(entry))
        .values()
        .map(|function| function.size)
        .sum()
}

/// The functions of some tables; those that the linker merged count once.
fn distinct<'a>(program: &'a Program, tables: &[Entry]) -> BTreeMap<u64, &'a Function> {
    let addresses = tables.iter().flat_map(|entry| entry.functions);
    addresses
        .filter_map(|address| Some((address, program.at(address)?)))
        .collect()
}
