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
    ("as released", &[]),
    ("without LTO", &[LTO_OFF]),
    (
        "hardly optimised",
        &[LTO_OFF, ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")],
    ),
];
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
    let slots = Slots::of(program);
    for (what, seen) in [
        (
            "an indirect call",
            slots.indirect(indirect).next().is_some(),
        ),
        ("a function's address", addresses(program).is_err()),
        ("a counter", constant(program).is_err()),
    ] {
        let name = format!("negative control: {what} is seen");
        suite.add(Case::check(name, seen, "not seen"));
    }
    Ok(())
}

fn direct(program: &Program) -> Result<(), String> {
    let slots = Slots::of(program);
    let indirect = program.functions().find_map(|function| {
        let Instruction { text, .. } = slots.indirect(function).next()?;
        Some(format!("`{text}` in {}", function.name))
    });
    indirect.map_or(Ok(()), Err)
}

/// None but in the linker's own table.
fn addresses(program: &Program) -> Result<(), String> {
    for section in program.sections() {
        if section.content == Content::Text || section.name == LINKERS_TABLE {
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

/// Where a linker puts the addresses of functions that it knows.
const LINKERS_TABLE: &str = ".got";

/// That table of a program. x86 calls through it what is in another crate.
struct Slots {
    arch: Arch,
    range: std::ops::Range<u64>,
}

impl Slots {
    fn of(program: &Program) -> Self {
        let mut sections = program.sections().iter();
        let table = sections.find(|section| section.name == LINKERS_TABLE);
        Self {
            arch: program.arch,
            range: table.map_or(0..0, |table| table.start..table.start + table.size),
        }
    }

    /// The calls and jumps to where a register or data say.
    fn indirect<'a>(&self, function: &'a Function) -> impl Iterator<Item = &'a Instruction> {
        let mut previous = None;
        function.instructions.iter().filter(move |instruction| {
            let indirect = is_indirect(self.arch, previous, instruction);
            previous = Some(*instruction);
            indirect && !self.is_slot(instruction)
        })
    }

    /// `ff 15` and `ff 25`, with a distance from the next instruction: SDM Volume 2, "CALL", "JMP".
    fn is_slot(&self, instruction: &Instruction) -> bool {
        let [0xff, 0x15 | 0x25, distance @ ..] = &*instruction.bytes else {
            return false;
        };
        let next = instruction.address + instruction.bytes.len() as u64;
        distance.try_into().is_ok_and(|distance| {
            let slot = next.wrapping_add_signed(i32::from_le_bytes(distance).into());
            self.arch == Arch::X86_64 && self.range.contains(&slot)
        })
    }
}
