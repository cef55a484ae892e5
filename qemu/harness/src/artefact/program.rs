//! A built program: its functions with their instructions, and the index of the tables in it.

use crate::{arch::Arch, process};
use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolKind, elf};
use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// One machine instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// Where it is.
    pub address: u64,
    /// Its bytes as they lie in memory.
    pub bytes: Vec<u8>,
    /// The disassembler's text, mnemonic first.
    pub text: String,
}

/// One function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its demangled name.
    pub name: String,
    /// First address.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// What it does.
    pub instructions: Vec<Instruction>,
}

/// The functions of one table of the library.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The table's name.
    pub name: String,
    /// Its line size.
    pub line: u64,
    /// Addresses of persist, flush and drain.
    pub functions: [u64; 3],
    /// Address of writeback_invalidate, if the table has one.
    pub drop: Option<u64>,
}

/// What a section of the loaded program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Instructions.
    Text,
    /// Data that is never written once the program is linked.
    ReadOnly,
    /// Data with initial values.
    Data,
    /// Data that is zero at first and takes no room in the file.
    Bss,
}

/// A section of the loaded program.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// First address.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// What it holds.
    pub content: Content,
    /// The bytes in the file; none of a section of zeroes.
    pub bytes: Vec<u8>,
}

/// A disassembled ELF file with fixed addresses.
#[derive(Debug)]
pub struct Program {
    /// Its instruction set.
    pub arch: Arch,
    bytes: Vec<u8>,
    functions: BTreeMap<u64, Function>,
    sections: Vec<Section>,
}

impl Program {
    /// Reads and disassembles `path`.
    pub fn read(arch: Arch, path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*bytes).context("not an object file")?;
        let mut functions = BTreeMap::new();
        for symbol in file.symbols() {
            if symbol.kind() != SymbolKind::Text || symbol.size() == 0 {
                continue;
            }
            let name = format!(
                "{:#}",
                rustc_demangle::demangle(symbol.name().unwrap_or("?"))
            );
            let function = Function {
                name,
                start: symbol.address(),
                size: symbol.size(),
                instructions: Vec::new(),
            };
            functions.insert(symbol.address(), function);
        }
        let mut objdump = Command::new(arch.objdump());
        let listing = process::stdout_of(objdump.args(["-d", "-w"]).arg(path))?;
        for instruction in listing.lines().filter_map(|line| parse(arch, line)) {
            let before = functions.range_mut(..=instruction.address).next_back();
            if let Some((_, function)) = before
                && instruction.address < function.start + function.size
            {
                function.instructions.push(instruction);
            }
        }
        if functions
            .values()
            .all(|function| function.instructions.is_empty())
        {
            bail!(
                "{} shows no instructions in {}",
                arch.objdump(),
                path.display()
            );
        }
        Ok(Self {
            arch,
            functions,
            sections: sections(&file)?,
            bytes,
        })
    }

    /// All functions, by address.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// The function that starts at an address.
    pub fn at(&self, address: u64) -> Option<&Function> {
        self.functions.get(&address)
    }

    /// The function with an unmangled name.
    pub fn named(&self, name: &str) -> Option<&Function> {
        self.functions
            .values()
            .find(|function| function.name == name)
    }

    /// The 64-bit word at an address of the file's data.
    pub fn word_at(&self, address: u64) -> Option<u64> {
        let file = object::File::parse(&*self.bytes).ok()?;
        let bytes = data_at(&file, address, 8).ok()?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The sections that a kernel loads. Tables for unwinding are none of them.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Where the symbol of this name is.
    pub fn address_of(&self, symbol: &str) -> Option<u64> {
        let file = object::File::parse(&*self.bytes).ok()?;
        Some(file.symbol_by_name(symbol)?.address())
    }

    /// Bytes of the symbol of this name.
    pub fn size_of(&self, symbol: &str) -> Option<u64> {
        let file = object::File::parse(&*self.bytes).ok()?;
        Some(file.symbol_by_name(symbol)?.size())
    }

    /// The index called `symbol`: an array of `kpmem_artefact::Functions`.
    pub fn index(&self, symbol: &str) -> Result<Vec<Entry>> {
        let file = object::File::parse(&*self.bytes)?;
        let symbol = file
            .symbol_by_name(symbol)
            .with_context(|| format!("the program has no symbol {symbol}"))?;
        let data = data_at(&file, symbol.address(), symbol.size())?;
        // Seven 64-bit little-endian words: persist, flush, drain, writeback_invalidate or 0, line,
        // name's address and length.
        let (words, _) = data.as_chunks();
        let words: Vec<u64> = words.iter().copied().map(u64::from_le_bytes).collect();
        let entry = |words: &[u64]| {
            let name = data_at(&file, words[5], words[6])?;
            Ok(Entry {
                name: String::from_utf8_lossy(name).into_owned(),
                line: words[4],
                functions: [words[0], words[1], words[2]],
                drop: (words[3] != 0).then_some(words[3]),
            })
        };
        words.chunks_exact(7).map(entry).collect()
    }
}

fn sections(file: &object::File<'_>) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for section in file.sections() {
        let name = section.name()?.to_owned();
        if let Some(content) = content(&name, section.flags()) {
            sections.push(Section {
                start: section.address(),
                size: section.size(),
                content,
                bytes: section.data()?.to_vec(),
                name,
            });
        }
    }
    Ok(sections)
}

/// By flags, for names differ: RISC-V has small data, and what is only relocated counts as never
/// written. `.relro_padding` fills up a page.
fn content(name: &str, flags: SectionFlags) -> Option<Content> {
    let SectionFlags::Elf { sh_type, sh_flags } = flags else {
        return None;
    };
    let has = |flag| sh_flags.0 & flag != 0;
    let constant = [".data.rel.ro", ".got"]
        .iter()
        .any(|start| name.starts_with(start));
    let unwinding = name.starts_with(".eh_frame") || name == ".relro_padding";
    if !has(elf::SHF_ALLOC.0) || unwinding {
        None
    } else if has(elf::SHF_EXECINSTR.0) {
        Some(Content::Text)
    } else if !has(elf::SHF_WRITE.0) || constant {
        Some(Content::ReadOnly)
    } else if sh_type == elf::SHT_NOBITS {
        Some(Content::Bss)
    } else {
        Some(Content::Data)
    }
}

fn data_at<'a>(file: &object::File<'a>, address: u64, size: u64) -> Result<&'a [u8]> {
    file.sections()
        .find_map(|section| section.data_range(address, size).ok().flatten())
        .with_context(|| format!("nothing at {address:#x} in the file"))
}

/// Reads `  201480:<tab>48 85 f6<tab>test %rsi,%rsi`. Off x86 the bytes come as one word.
fn parse(arch: Arch, line: &str) -> Option<Instruction> {
    let (address, rest) = line.split_once(":\t")?;
    let (bytes, text) = rest.split_once('\t')?;
    let address = u64::from_str_radix(address.trim(), 16).ok()?;
    let hex: String = bytes.split_whitespace().collect();
    let mut bytes = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16))
        .collect::<Result<Vec<_>, _>>()
        .ok()?;
    if arch != Arch::X86_64 {
        bytes.reverse();
    }
    Some(Instruction {
        address,
        bytes,
        text: text.replace('\t', " ").trim().to_owned(),
    })
}
