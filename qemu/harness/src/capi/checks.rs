//! What must be true of a static library for kernels in C.

use super::archive::{PREFIXES, tool};
use crate::{
    arch::Arch,
    artefact::{
        encoding::is_indirect,
        program::{Function, Program},
        rules,
    },
    process,
};
use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, read::archive::ArchiveFile};
use std::{collections::BTreeSet, fs, path::Path};

/// The symbols and sections of a library's objects.
#[derive(Debug, Default)]
pub struct Library {
    /// Names that it defines for others.
    pub defined: BTreeSet<String>,
    /// Names that others must define.
    pub wanted: BTreeSet<String>,
    /// Names of its sections.
    pub sections: BTreeSet<String>,
}

impl Library {
    /// Reads a library, or a single object.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut library = Self::default();
        match ArchiveFile::parse(&*bytes) {
            Ok(archive) => {
                for member in archive.members() {
                    library.add(&object::File::parse(member?.data(&*bytes)?)?)?;
                }
            }
            Err(_) => library.add(&object::File::parse(&*bytes)?)?,
        }
        Ok(library)
    }

    fn add(&mut self, file: &object::File<'_>) -> Result<()> {
        for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
            let name = symbol.name()?.to_owned();
            match symbol.is_undefined() {
                true => self.wanted.insert(name),
                false => self.defined.insert(name),
            };
        }
        for section in file.sections() {
            self.sections.insert(section.name()?.to_owned());
        }
        Ok(())
    }

    /// It defines names of the API and no other.
    pub fn defines_its_own(&self) -> Result<(), String> {
        let own = |name: &&String| PREFIXES.iter().any(|start| name.starts_with(start));
        if self.defined.is_empty() {
            return Err("it defines nothing".to_owned());
        }
        none(self.defined.iter().filter(|name| !own(name)), "it defines")
    }

    /// It wants no name of others, but for these.
    pub fn wants_only(&self, allowed: &[&str]) -> Result<(), String> {
        let other = |name: &&String| !allowed.contains(&name.as_str());
        none(self.wanted.iter().filter(other), "it wants")
    }

    /// There is nothing in it that a kernel must know of: no tables for unwinding, no constructors,
    /// no thread-local data.
    pub fn has_plain_sections(&self) -> Result<(), String> {
        const STRANGE: [&str; 8] = [
            ".eh_frame",
            ".rela.eh_frame",
            ".gcc_except_table",
            ".init_array",
            ".fini_array",
            ".ctors",
            ".tdata",
            ".tbss",
        ];
        let strange = |name: &&String| STRANGE.iter().any(|start| name.starts_with(start));
        none(self.sections.iter().filter(strange), "it has")
    }
}

fn none<'a>(names: impl Iterator<Item = &'a String>, what: &str) -> Result<(), String> {
    let names: Vec<_> = names.take(5).map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(format!("{what} {}", names.join(", ")))
}

/// The library, linked whole and alone, so that its calls have addresses. What it wants of others
/// is none of this one's business.
pub fn linked(arch: Arch, library: &Path, folder: &Path) -> Result<Program> {
    let program = folder.join(format!("whole-{arch}"));
    let mut link = tool(arch, "ld");
    link.args([
        "-static",
        "-e",
        "0",
        "--unresolved-symbols=ignore-all",
        "--whole-archive",
    ]);
    link.arg(library);
    process::run(link.arg("-o").arg(&program))?;
    Program::read(arch, &program)
}

/// No vector or float register in any function.
pub fn general_registers(program: &Program) -> Result<(), String> {
    let wrong = program.functions().find_map(|function| {
        let why = rules::general_registers(program.arch, function).err()?;
        Some(format!("{} {why}", function.name))
    });
    wrong.map_or(Ok(()), Err)
}

/// No function of the panic machinery is left, and no instruction that only traps.
pub fn nothing_panics(program: &Program) -> Result<(), String> {
    const MACHINERY: [&str; 4] = [
        "panicking::",
        "rust_begin_unwind",
        "unwrap_failed",
        "slice::index::slice_",
    ];
    let machinery =
        |function: &&Function| MACHINERY.iter().any(|name| function.name.contains(name));
    if let Some(function) = program.functions().find(machinery) {
        let by = program.functions().find(|other| {
            let mut called = other.instructions.iter();
            called.any(|at| rules::called(program, at) == Some(function.start))
        });
        let by = by.map_or(String::new(), |by| format!(", called by {}", by.name));
        return Err(format!("{} is there{by}", function.name));
    }
    let traps = match program.arch {
        Arch::X86_64 => "ud2",
        Arch::Aarch64 => "brk",
        Arch::Riscv64 => "unimp",
    };
    let trap = program.functions().find(|function| {
        let mut all = function.instructions.iter();
        all.any(|instruction| instruction.text.trim_start_matches("c.").starts_with(traps))
    });
    match trap {
        None => Ok(()),
        Some(function) => Err(format!("{} traps by {traps}", function.name)),
    }
}

/// Functions whose instruction is settled, and all that they call, call and jump to nothing that a
/// register or data names.
pub fn are_direct(program: &Program, names: &[&str]) -> Result<(), String> {
    let mut left: Vec<&Function> = Vec::new();
    for name in names {
        let function = program.address_of(name).and_then(|at| program.at(at));
        left.push(function.ok_or_else(|| format!("{name} is not there"))?);
    }
    let mut seen = BTreeSet::new();
    while let Some(function) = left.pop() {
        if !seen.insert(function.start) {
            continue;
        }
        let mut previous = None;
        for instruction in &function.instructions {
            if is_indirect(program.arch, previous, instruction) {
                return Err(format!("`{}` in {}", instruction.text, function.name));
            }
            previous = Some(instruction);
            left.extend(rules::called(program, instruction).and_then(|at| program.at(at)));
        }
    }
    Ok(())
}
