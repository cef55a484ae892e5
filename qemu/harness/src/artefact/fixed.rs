//! A program that is fixed at compile time reaches nothing through a pointer: what it calls is in
//! the text, where a compiler can inline it and an auditor can read it.

use super::{
    encoding::{Kind, is_indirect, kind},
    program::{Content, Function, Instruction, Program},
    sizes::Sizes,
};
use crate::{
    arch::Arch,
    report::{Case, Suite},
};
use anyhow::{Context, Result};

/// How the program is built, and what that sets for cargo: the promise must not hang on what an
/// optimiser happens to see through.
pub const BUILDS: [(&str, &[(&str, &str)]); 3] = [
    ("as released", &[STATIC]),
    ("without LTO", &[LTO_OFF, STATIC]),
    (
        "hardly optimised",
        &[LTO_OFF, STATIC, ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")],
    ),
];
/// As kernels are linked. In code that may be loaded anywhere, a call of another crate's function
/// goes through the linker's table of addresses, as any Rust code's does.
const STATIC: (&str, &str) = ("RUSTFLAGS", "-C relocation-model=static");
const LTO_OFF: (&str, &str) = ("CARGO_PROFILE_RELEASE_LTO", "off");

/// Checks the program of one build.
pub fn check(program: &Program, build: &str, suite: &mut Suite) {
    let flushes = program
        .functions()
        .flat_map(|function| &function.instructions)
        .any(|instruction| matches!(kind(program.arch, instruction), Kind::WriteBack(_)));
    suite.add(Case::check(
        format!("fixed at compile time, {build}: something is written back"),
        flushes,
        "nothing is",
    ));
    for (rule, result) in [
        ("no indirect call or jump", direct(program)),
        ("no function's address is data", addresses(program)),
        ("no data but what is never written", constant(program)),
    ] {
        let name = format!("fixed at compile time, {build}: {rule}");
        suite.add(Case::from_result(name, result));
    }
}

/// A program that breaks each of these rules.
pub fn control(program: &Program, suite: &mut Suite) -> Result<()> {
    let indirect = program.named("kpmem_indirect");
    let indirect = indirect.context("kpmem_indirect is missing")?;
    for (what, seen) in [
        (
            "an indirect call",
            self::indirect(program.arch, indirect).next().is_some(),
        ),
        ("a function's address", addresses(program).is_err()),
        ("a counter", constant(program).is_err()),
    ] {
        let name = format!("negative control: {what} is seen");
        suite.add(Case::check(name, seen, "not seen"));
    }
    Ok(())
}

/// No function calls or jumps to where a register or data say.
pub fn direct(program: &Program) -> Result<(), String> {
    let indirect = program.functions().find_map(|function| {
        let Instruction { text, .. } = indirect(program.arch, function).next()?;
        Some(format!("`{text}` in {}", function.name))
    });
    indirect.map_or(Ok(()), Err)
}

fn addresses(program: &Program) -> Result<(), String> {
    for section in program.sections() {
        if section.content == Content::Text {
            continue;
        }
        let aligned = section.start.next_multiple_of(8) - section.start;
        let (words, _) = section
            .bytes
            .get(aligned as usize..)
            .unwrap_or_default()
            .as_chunks();
        let mut functions = words
            .iter()
            .filter_map(|word| program.at(u64::from_le_bytes(*word)));
        if let Some(function) = functions.next() {
            return Err(format!("{} in {}", function.name, section.name));
        }
    }
    Ok(())
}

fn constant(program: &Program) -> Result<(), String> {
    let sizes = Sizes::of(program, &[]);
    if sizes.data == 0 && sizes.bss == 0 {
        Ok(())
    } else {
        Err(sizes.to_string())
    }
}

/// The calls and jumps to where a register or data say.
fn indirect(arch: Arch, function: &Function) -> impl Iterator<Item = &Instruction> {
    let mut previous = None;
    function.instructions.iter().filter(move |instruction| {
        let indirect = is_indirect(arch, previous, instruction);
        previous = Some(*instruction);
        indirect
    })
}
