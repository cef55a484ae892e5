//! The artefact suite: what the compiler made of the library, read from the machine code.

pub mod encoding;
pub mod program;
pub mod rules;

use crate::{
    arch::Arch,
    report::{Case, Suite},
    toolchain,
};
use anyhow::{Context, Result};
use program::{Entry, Function, Program};
use std::collections::BTreeMap;

/// The most that persist, flush and drain of one table may take.
const LARGEST: u64 = 2048;
/// The most that all tables, their copies, maps and selection may take together.
const WHOLE: u64 = 24 * 1024;
/// The longest a persist of one word may be when all is fixed at compile time.
const HANDFUL: usize = 8;
/// Where a panic cannot be reached: `spin::Once` asks whether an earlier initialisation panicked,
/// and ours cannot.
const UNREACHABLE_PANICS: &str = "spin::once::Once";

/// Builds and checks the library for one instruction set.
pub fn run(arch: Arch) -> Result<Suite> {
    let built = toolchain::build(arch, "kpmem-artefact")?;
    let program = |name: &str| {
        let path = built
            .get(name)
            .with_context(|| format!("kpmem-artefact has no {name}"))?;
        Program::read(arch, path)
    };
    let mut suite = Suite::new("artefact", Some(arch), None);
    library(&program("library")?, &mut suite)?;
    controls(&program("controls")?, &mut suite)?;
    Ok(suite)
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
    let panics = panics
        .iter()
        .find(|function| !function.name.contains(UNREACHABLE_PANICS));
    suite.add(Case::from_result(
        "nothing can panic",
        panics.map_or(Ok(()), |function| {
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

    let ours = |function: &&Function| function.name.contains("kpmem::");
    let whole: u64 = program
        .functions()
        .filter(ours)
        .map(|function| function.size)
        .sum();
    suite.note(format!(
        "the whole library with every table: {whole} bytes of text"
    ));
    suite.add(Case::check(
        format!("the whole library takes less than {WHOLE} bytes"),
        whole < WHOLE,
        format!("{whole} bytes"),
    ));

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
        "no fence" => "returns without",
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
