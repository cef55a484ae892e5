//! From an instruction's address to functions and source lines, by the guest's own ELF file.

use super::names::{self, Source};
use crate::judge::PREFIX;
use anyhow::{Context, Result};
use gimli::{EndianArcSlice, RunTimeEndian};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

type Reader = EndianArcSlice<RunTimeEndian>;

/// A function that the address is in, and where in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) function: String,
    pub(super) source: Option<Source>,
    pub(super) line: Option<u32>,
}

/// The symbols of a guest; by default there are none.
#[derive(Default)]
pub(super) struct Symbols {
    lines: Option<addr2line::Context<Reader>>,
    /// Where the parts of the guest were compiled.
    roots: Vec<String>,
    /// Functions by address, with their ends, where there is no more to know.
    functions: BTreeMap<u64, (u64, String)>,
}

impl Symbols {
    /// Reads an ELF file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let data = fs::read(path)?;
        let file = object::File::parse(&*data)?;
        let endian = if file.is_little_endian() {
            RunTimeEndian::Little
        } else {
            RunTimeEndian::Big
        };
        let section = |id: gimli::SectionId| -> Result<Reader> {
            let data = match file.section_by_name(id.name()) {
                Some(section) => section
                    .uncompressed_data()
                    .with_context(|| format!("section {}", id.name()))?,
                None => Default::default(),
            };
            Ok(EndianArcSlice::new(Arc::from(&*data), endian))
        };
        let dwarf = gimli::Dwarf::load(section)?;
        Ok(Self {
            roots: roots(&dwarf)?,
            lines: Some(addr2line::Context::from_dwarf(dwarf)?),
            functions: functions(&file),
        })
    }

    /// The functions that the instruction belongs to, the innermost first.
    pub(super) fn frames(&self, pc: u64) -> Vec<Frame> {
        // Nobody knew it; but functions that the linker dropped claim to be there.
        if pc == 0 {
            return Vec::new();
        }
        let frames = self.inlined(pc).unwrap_or_default();
        if !frames.is_empty() {
            return frames;
        }
        let frame = |name: &str| Frame {
            function: names::function(name),
            source: None,
            line: None,
        };
        self.symbol(pc).map(frame).into_iter().collect()
    }

    /// What the symbol table calls the function that the instruction belongs to.
    fn symbol(&self, pc: u64) -> Option<&str> {
        let (_, (end, name)) = self.functions.range(..=pc).next_back()?;
        (pc < *end).then_some(name)
    }

    /// Damaged debug information tells nothing, which is no reason to show no page.
    fn inlined(&self, pc: u64) -> Option<Vec<Frame>> {
        let lines = self.lines.as_ref()?;
        let mut found = lines.find_frames(pc).skip_all_loads().ok()?;
        let mut frames = Vec::new();
        while let Some(frame) = found.next().ok()? {
            let name = frame.function.as_ref().and_then(|f| f.demangle().ok());
            // Code that is not optimised may have lines and no functions.
            let name = name.as_deref().or_else(|| self.symbol(pc));
            let place = frame.location;
            let file = place.as_ref().and_then(|place| place.file);
            frames.push(Frame {
                function: names::function(name.unwrap_or("?")),
                source: file.map(|file| names::source(file, &self.roots)),
                line: place.and_then(|place| place.line),
            });
        }
        Some(frames)
    }
}

fn roots(dwarf: &gimli::Dwarf<Reader>) -> Result<Vec<String>> {
    let mut roots = Vec::new();
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        if let Some(dir) = &unit.comp_dir {
            roots.push(String::from_utf8_lossy(dir.bytes()).into_owned());
        }
    }
    roots.sort_unstable();
    roots.dedup();
    Ok(roots)
}

fn functions(file: &object::File) -> BTreeMap<u64, (u64, String)> {
    let text = file
        .symbols()
        .filter(|s| s.is_definition() && s.kind() == SymbolKind::Text);
    text.filter_map(|symbol| {
        let name = symbol.name().ok()?;
        let name = rustc_demangle::demangle(name.strip_prefix(PREFIX).unwrap_or(name));
        let end = symbol.address() + symbol.size().max(1);
        Some((symbol.address(), (end, format!("{name:#}"))))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    /// To be found in the test's own program.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn kpmem_harness_landmark() -> u32 {
        std::hint::black_box(7)
    }

    #[test]
    fn own_functions_are_found_with_file_and_line() {
        assert_eq!(kpmem_harness_landmark(), 7);
        let program = env::current_exe().expect("the test is a program");
        let symbols = Symbols::open(&program).expect("and has symbols");
        let named = |(_, (_, name)): &(&u64, &(u64, String))| name == "kpmem_harness_landmark";
        let (address, _) = symbols.functions.iter().find(named).expect("a landmark");
        let frames = symbols.frames(*address);
        let outer = frames.last().expect("a frame");
        assert_eq!(outer.function, "kpmem_harness_landmark");
        let source = outer.source.as_ref().expect("a source file");
        assert_eq!(source.path, "qemu/harness/src/page/symbols.rs");
        assert!(!source.foreign);
        assert!(outer.line.is_some_and(|line| line > 100));
        assert!(symbols.frames(0).is_empty());
    }

    #[test]
    fn no_symbols_is_no_error_and_no_elf_is_one() {
        assert!(Symbols::default().frames(0x1000).is_empty());
        assert!(Symbols::open(Path::new("/dev/null")).is_err());
        assert!(Symbols::open(Path::new("/nowhere")).is_err());
    }
}
