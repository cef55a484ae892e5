//! Keeps what a file brings along apart from what the guest has under the same name: everything
//! that the file defines gets a prefix, also where the file calls it. So its own `memcpy` is the
//! one that it calls and that is judged, and the guest keeps calling its own.

use anyhow::{Context, Result};
use object::{
    LittleEndian as LE,
    elf::{FileHeader64, SHT_SYMTAB, STB_LOCAL, SectionHeader64, Sym64},
    read::elf::{FileHeader, SectionHeader, Sym},
};
use std::{collections::BTreeSet, mem::size_of};

/// What the names begin with.
pub const PREFIX: &str = "judged.";

/// The object file with other names for these. Only names change: their table is written anew
/// behind the file, and the symbols point into it (System V ABI, "Symbol Table", "Sections").
pub(super) fn renamed(object: &[u8], names: &BTreeSet<&str>) -> Result<Vec<u8>> {
    let mut bytes = object.to_vec();
    let header = FileHeader64::<LE>::parse(object)?;
    let sections = header.sections(LE, object)?;
    // An object has one table of symbols, or none.
    let symbols = sections.symbols(LE, object, SHT_SYMTAB)?;
    if symbols.is_empty() {
        return Ok(bytes);
    }
    let section = sections.section(symbols.section())?;
    let strings = sections.section(symbols.string_section())?;
    let mut table = strings.data(LE, object)?.to_vec();
    for (number, symbol) in symbols.iter().enumerate() {
        let name = symbol.name(LE, symbols.strings()).unwrap_or_default();
        let renamed = std::str::from_utf8(name).is_ok_and(|name| names.contains(name));
        if symbol.st_bind() == STB_LOCAL || !renamed {
            continue;
        }
        let to = u32::try_from(table.len()).context("it has too many names")?;
        table.extend([PREFIX.as_bytes(), name, &[0]].concat());
        // `st_name` is the first field.
        let at = section.sh_offset(LE) as usize + number * size_of::<Sym64<LE>>();
        put(&mut bytes, at, &to.to_le_bytes());
    }
    // `sh_offset` and `sh_size` are 24 bytes behind the header's start.
    let headers = header.e_shoff(LE) as usize;
    let at = headers + symbols.string_section().0 * size_of::<SectionHeader64<LE>>() + 24;
    let (end, len) = (bytes.len() as u64, table.len() as u64);
    put(&mut bytes, at, &end.to_le_bytes());
    put(&mut bytes, at + 8, &len.to_le_bytes());
    bytes.extend(table);
    Ok(bytes)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
