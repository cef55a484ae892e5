//! The shared libraries of programs: they must be in the guest, where its loader looks for them.
//! The packages' are; a program of this machine may have this machine's.

use super::tree::{Node, Tree, settled};
use crate::arch::Arch;
use anyhow::{Context, Result, bail};
use object::{
    Endianness, elf,
    read::elf::{ElfFile64, FileHeader, ProgramHeader},
};
use std::{collections::BTreeSet, fs, path::Path};

/// What an ELF file says that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The dynamic loader.
    pub loader: Option<String>,
    /// Libraries by name.
    pub libraries: Vec<String>,
    /// Folders in which they are looked for first.
    pub folders: Vec<String>,
}

/// Whether a file's first bytes are those of an ELF file.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&elf::ELFMAG)
}

/// What the file `name`, which is to be for `arch`, needs.
pub fn needs(bytes: &[u8], name: &str, arch: Arch) -> Result<Needs> {
    let why = || format!("{name} is not a whole 64-bit ELF file");
    let file = ElfFile64::<Endianness>::parse(bytes).with_context(why)?;
    let endian = file.endian();
    let machine = file.elf_header().e_machine(endian);
    let of = Arch::from_elf_machine(machine.0);
    if of != Some(arch) || endian != Endianness::Little {
        let what = of.map_or_else(|| format!("ELF machine {}", machine.0), |it| it.to_string());
        bail!("{name} is for {what}, and the guest is {arch}");
    }
    let mut needs = Needs::default();
    for segment in file.elf_program_headers() {
        if let Some(path) = segment.interpreter(endian, bytes).with_context(why)? {
            needs.loader = Some(String::from_utf8_lossy(path).into_owned());
        }
    }
    let sections = file.elf_section_table();
    let table = sections.dynamic_table(endian, bytes).with_context(why)?;
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    for entry in &table {
        let text = || -> Result<String> {
            let text = table.string(entry).with_context(why)?;
            Ok(String::from_utf8_lossy(text).into_owned())
        };
        match entry.tag {
            elf::DT_NEEDED => needs.libraries.push(text()?),
            elf::DT_RPATH | elf::DT_RUNPATH => {
                let folders = text()?;
                let folders = folders.split(':').filter(|it| !it.is_empty());
                needs.folders.extend(
                    folders.map(|it| it.replace("${ORIGIN}", folder).replace("$ORIGIN", folder)),
                );
            }
            _ => {}
        }
    }
    Ok(needs)
}

/// Looks for the libraries of one guest.
#[derive(Clone, Copy, Debug)]
pub struct Libraries {
    /// The guest's instruction set.
    pub arch: Arch,
    /// Whether this machine's own may be taken where the guest has none.
    pub host: bool,
}

impl Libraries {
    /// All that the ELF file at `path` in the guest needs is there, or is put there. `beside` is
    /// its folder on this machine, which may have libraries of its own.
    pub fn bring(self, guest: &mut Tree, path: &str, beside: Option<&Path>) -> Result<()> {
        let mut left = vec![settled(path)];
        let mut seen = BTreeSet::new();
        while let Some(path) = left.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let path = format!("/{path}");
            let needs = needs(&guest.read(&path)?, &path, self.arch)?;
            if let Some(loader) = &needs.loader {
                let found = self.place(guest, loader);
                left.push(found.with_context(|| missing(&path, loader))?);
                // The C library loads it by its name, when a thread ends early.
                let unwinder = format!("/lib/{}/libgcc_s.so.1", self.arch.triplet());
                left.extend(self.place(guest, &unwinder));
            }
            for library in &needs.libraries {
                let places = self.places(&needs, library);
                let mut found = places.iter().find_map(|place| self.place(guest, place));
                if found.is_none() {
                    let own = beside.map(|it| it.join(library)).filter(|it| it.is_file());
                    found = own.map(|own| {
                        let place = format!("usr/lib/{library}");
                        guest.add(&place, Node::File(own));
                        place
                    });
                }
                left.push(found.with_context(|| missing(&path, library))?);
            }
        }
        Ok(())
    }

    /// Where the loader looks for a library, in its order.
    fn places(self, needs: &Needs, library: &str) -> Vec<String> {
        if library.contains('/') {
            return vec![library.to_owned()];
        }
        let triplet = self.arch.triplet();
        let standard = [
            format!("/lib/{triplet}"),
            "/lib".to_owned(),
            "/lib64".to_owned(),
        ];
        let folders = needs.folders.iter().chain(&standard);
        folders
            .map(|folder| format!("{folder}/{library}"))
            .collect()
    }

    /// Where the file at `place` is in the guest, if it is there or on this machine.
    fn place(self, guest: &mut Tree, place: &str) -> Option<String> {
        if let Some(found) = guest.resolve(place) {
            return Some(found);
        }
        if !self.host {
            return None;
        }
        let file = fs::canonicalize(place).ok().filter(|it| it.is_file())?;
        guest.add(place, Node::File(file));
        Some(settled(place))
    }
}

fn missing(path: &str, library: &str) -> String {
    format!(
        "{path} needs {library}, which is in no package that was asked for (--package NAME brings \
         one with all that it depends on, --file HOST:GUEST a file)"
    )
}

#[cfg(test)]
#[path = "libraries_tests.rs"]
mod tests;
