//! The marks in somebody's code.

use super::objects::Objects;
use crate::arch::Arch;
use anyhow::Result;
use kpmem_model::{
    Isa,
    decode::{Action, decode},
};
use object::{Object, ObjectSection, ObjectSymbol};
use std::path::Path;

/// The numbers of the marks in a function, in the order of their addresses.
pub fn marks_in(file: &Path, function: &str) -> Result<Vec<u8>> {
    let objects = Objects::read(file)?;
    let isa = match objects.arch {
        Arch::X86_64 => Isa::X86_64,
        Arch::Aarch64 => Isa::Aarch64,
        Arch::Riscv64 => Isa::Riscv64,
    };
    let mut marks = Vec::new();
    for object in objects.parsed() {
        let symbol = object.symbol_by_name(function);
        let section = symbol.as_ref().and_then(|s| s.section_index());
        let section = section.and_then(|index| object.section_by_index(index).ok());
        let Some((symbol, bytes)) = symbol.zip(section.and_then(|s| s.data().ok())) else {
            continue;
        };
        let start = symbol.address() as usize;
        let code = &bytes[start..start + symbol.size() as usize];
        // On x86 at any byte: a mark's own bytes begin nowhere else.
        marks.extend(
            (0..code.len()).filter_map(|at| match decode(isa, &code[at..]) {
                Action::Mark(op) => Some(op as u8),
                _ => None,
            }),
        );
    }
    Ok(marks)
}
