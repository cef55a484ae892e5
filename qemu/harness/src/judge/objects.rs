//! What somebody's file holds: its object files, and the names in them.

use crate::arch::Arch;
use anyhow::{Context, Result, bail};
use object::{
    Architecture, BinaryFormat, Object, ObjectKind, ObjectSection, ObjectSymbol, SymbolFlags,
    SymbolKind, elf::STT_GNU_IFUNC, read::archive::ArchiveFile,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// LLVM's bitcode, bare and in its wrapper.
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// The object files of one instruction set.
#[derive(Debug)]
pub struct Objects {
    /// The instruction set.
    pub arch: Arch,
    /// ELF files with relocations.
    pub(super) all: Vec<Vec<u8>>,
    /// Of these only what is asked for is linked.
    pub(super) is_library: bool,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Somebody else's.
    Wanted,
    /// One object's own.
    Static,
    /// Data that all see.
    Data,
    /// A function that is found when the program starts.
    Indirect,
    /// A function, or what has no type, as labels in assembly have none.
    Function,
}

impl Objects {
    /// Reads an object file or a static library. An error says why nothing in it can be judged.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let (all, is_library) = match ArchiveFile::parse(&*bytes) {
            Ok(archive) => (members(&archive, &bytes, file)?, true),
            Err(_) => {
                let unknown = "is neither an ELF object file nor a static library";
                let is_one = is_object(&bytes).with_context(|| file.display().to_string())?;
                if !is_one {
                    bail!("{} {unknown}", file.display());
                }
                (vec![bytes], false)
            }
        };
        let mut found = BTreeSet::new();
        for object in &all {
            found.insert(arch_of(object).with_context(|| file.display().to_string())?);
        }
        match found.iter().copied().collect::<Vec<_>>()[..] {
            [arch] => Ok(Self {
                arch,
                all,
                is_library,
            }),
            [] => bail!("{} holds no object file", file.display()),
            _ => bail!("{} mixes instruction sets", file.display()),
        }
    }

    /// Every object, parsed.
    pub(super) fn parsed(&self) -> impl Iterator<Item = object::File<'_>> {
        self.all
            .iter()
            .filter_map(|bytes| object::File::parse(&**bytes).ok())
    }

    /// Bytes that suffice for all that is loaded, whole pages.
    pub(super) fn room(&self) -> u64 {
        let sections = self.parsed().map(|object| {
            let each = object.sections();
            each.map(|section| section.size() + section.align())
                .sum::<u64>()
        });
        sections.sum::<u64>().next_multiple_of(4096)
    }

    /// The names, each with the best that is known of it.
    pub(super) fn names(&self) -> BTreeMap<String, Standing> {
        let mut names = BTreeMap::new();
        for object in self.parsed() {
            for symbol in object.symbols() {
                let standing = match symbol.kind() {
                    SymbolKind::File | SymbolKind::Section => continue,
                    _ if symbol.is_undefined() => Standing::Wanted,
                    _ if symbol.is_local() => Standing::Static,
                    SymbolKind::Data | SymbolKind::Tls => Standing::Data,
                    _ if is_indirect(&symbol.flags()) => Standing::Indirect,
                    _ => Standing::Function,
                };
                let Ok(name @ [_, ..]) = symbol.name_bytes() else {
                    continue;
                };
                let name = String::from_utf8_lossy(name).into_owned();
                let known = names.entry(name).or_insert(standing);
                *known = standing.max(*known);
            }
        }
        names
    }
}

fn is_indirect<S, T>(flags: &SymbolFlags<S, T>) -> bool {
    matches!(flags, SymbolFlags::Elf { st_info, .. } if st_info.st_type() == STT_GNU_IFUNC)
}

/// The objects of a library. Beside them it may hold what is none, as Rust's have metadata.
fn members(archive: &ArchiveFile<'_>, bytes: &[u8], file: &Path) -> Result<Vec<Vec<u8>>> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut objects = Vec::new();
    for member in archive.members() {
        let cannot = || format!("{} is a damaged library", file.display());
        let member = member.with_context(cannot)?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let data = if member.is_thin() {
            let path = folder.join(&name);
            fs::read(&path).with_context(|| {
                let (file, path) = (file.display(), path.display());
                format!("{file} is a thin archive, and its object {path} cannot be read")
            })?
        } else {
            member.data(bytes).with_context(cannot)?.to_vec()
        };
        if is_object(&data).with_context(|| format!("{}({name})", file.display()))? {
            objects.push(data);
        }
    }
    Ok(objects)
}

/// Whether these bytes are an object file that can be linked; an error if they are one that can't.
fn is_object(bytes: &[u8]) -> Result<bool> {
    if BITCODE.iter().any(|magic| bytes.starts_with(magic)) {
        bail!("is LLVM bitcode, of a build with LTO: compile it with -fno-lto");
    }
    let Ok(object) = object::File::parse(bytes) else {
        return Ok(false);
    };
    if object.format() != BinaryFormat::Elf {
        bail!("is a {:?} object, and ELF is wanted", object.format());
    }
    if object.kind() != ObjectKind::Relocatable {
        bail!("is linked already: an object file (-c) or a static library is wanted");
    }
    if object.symbol_by_name("__gnu_lto_slim").is_some() {
        bail!("holds GCC's LTO code and no other: compile it with -fno-lto");
    }
    Ok(true)
}

/// The instruction set of an object file.
fn arch_of(bytes: &[u8]) -> Result<Arch> {
    let object = object::File::parse(bytes)?;
    let arch = match object.architecture() {
        Architecture::X86_64 => Arch::X86_64,
        Architecture::Aarch64 => Arch::Aarch64,
        Architecture::Riscv64 => Arch::Riscv64,
        other if !object.is_64() => {
            bail!("is a 32-bit object ({other:?}): x86_64, aarch64 and riscv64 are known")
        }
        Architecture::X86_64_X32 | Architecture::Aarch64_Ilp32 => {
            bail!("is for 32-bit pointers: x86_64, aarch64 and riscv64 are known")
        }
        other => bail!("is for {other:?}: x86_64, aarch64 and riscv64 are known"),
    };
    if !object.is_little_endian() {
        bail!("is big-endian: {arch} is known as little-endian only");
    }
    Ok(arch)
}

/// The names most like one that is not there.
pub(super) fn near(name: &str, names: &BTreeMap<String, Standing>) -> Vec<String> {
    let mut near: Vec<_> = names
        .iter()
        .filter(|(_, standing)| **standing == Standing::Function)
        .map(|(known, _)| {
            // A C++ function's name contains it.
            let inside = known.contains(name) || name.contains(known.as_str());
            (
                if inside { 1 } else { distance(name, known) },
                known.clone(),
            )
        })
        .collect();
    near.sort();
    near.into_iter().take(8).map(|(_, name)| name).collect()
}

/// Letters to change, add or leave out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_right_come_first() {
        let names = ["abort", "my_persist", "_Z7persistPKvm", "my_flush"];
        let names = names
            .map(|name| (name.to_owned(), Standing::Function))
            .into();
        assert_eq!(near("my_persits", &names)[0], "my_persist");
        let near = near("persist", &names);
        assert_eq!(near[..2], ["_Z7persistPKvm", "my_persist"]);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }
}
