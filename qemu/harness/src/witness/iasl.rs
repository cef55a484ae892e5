//! ACPICA's disassembler, and how its text is read: a line for each field, with the field's offset
//! and length, and lines without them for the bits of a field.

use crate::{
    process,
    setup::unpacked::{Package, unpacked},
};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Debian 13's knows the tables of CXL and RISC-V, which Debian 12's does not. It wants the C
/// library of its own release.
const PACKAGES: [Package; 2] = [
    Package::of("trixie", "acpica-tools"),
    Package::of("trixie", "libc6"),
];

/// The program, ready to run.
#[derive(Clone, Debug)]
pub struct Iasl {
    root: PathBuf,
}

impl Iasl {
    /// Downloads it, where it isn't there.
    pub fn get() -> Result<Self> {
        ensure!(
            cfg!(target_arch = "x86_64"),
            "the disassembler is taken for x86_64 only"
        );
        let root = unpacked("iasl", &PACKAGES)?;
        Ok(Self { root })
    }

    /// The text of a table.
    pub fn disassemble(&self, table: &[u8]) -> Result<Disassembly> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("table.bin"), table)?;
        self.run(dir.path(), &["-d", "table.bin"])?;
        let text = fs::read(dir.path().join("table.dsl")).context("iasl wrote no text")?;
        Disassembly::parse(&String::from_utf8_lossy(&text))
    }

    /// The sample of a kind of table that comes with it, compiled.
    pub fn template(&self, signature: &str) -> Result<Vec<u8>> {
        let dir = tempfile::tempdir()?;
        let lower = signature.to_lowercase();
        self.run(dir.path(), &["-T", signature])?;
        self.run(dir.path(), &[&format!("{lower}.asl")])?;
        fs::read(dir.path().join(format!("{lower}.aml"))).context("iasl compiled no table")
    }

    fn run(&self, dir: &Path, args: &[&str]) -> Result<()> {
        let mut command = Command::new(self.root.join("usr/lib64/ld-linux-x86-64.so.2"));
        command
            .arg("--library-path")
            .arg(self.root.join("usr/lib/x86_64-linux-gnu"))
            .arg(self.root.join("usr/bin/iasl"))
            .args(args)
            .current_dir(dir);
        process::stdout_of(&mut command).map(drop)
    }
}

/// A field of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Offset in the table and length in bytes; none if it is a bit of the field before.
    pub place: Option<(usize, usize)>,
    /// What ACPICA calls it.
    pub name: String,
    /// What it holds: hexadecimal digits, or text in quotes.
    pub value: String,
}

impl Field {
    /// The value as a number.
    pub fn number(&self) -> Option<u64> {
        u64::from_str_radix(&self.value, 16).ok()
    }
}

/// Fields of the table's head, or of one of its structures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure(pub Vec<Field>);

impl Structure {
    /// The first field of a name.
    pub fn field(&self, name: &str) -> Result<&Field> {
        let found = self.0.iter().find(|field| field.name == name);
        found.with_context(|| format!("iasl tells no {name:?}"))
    }

    /// Its value as a number.
    pub fn number(&self, name: &str) -> Result<u64> {
        let field = self.field(name)?;
        let number = field.number();
        number.with_context(|| format!("{name} is {:?}", field.value))
    }

    /// Its value as a flag.
    pub fn flag(&self, name: &str) -> Result<bool> {
        self.number(name).map(|bit| bit != 0)
    }

    /// The numbers in all fields of a name.
    pub fn numbers(&self, name: &str) -> Vec<u64> {
        let fields = self.0.iter().filter(|field| field.name == name);
        fields.filter_map(Field::number).collect()
    }

    /// Its type.
    pub fn kind(&self) -> Result<u64> {
        self.number(TYPE)
    }

    /// Offset in the table.
    pub fn offset(&self) -> Option<usize> {
        self.0.first()?.place.map(|(at, _)| at)
    }
}

const TYPE: &str = "Subtable Type";

/// A table as ACPICA reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disassembly {
    /// What comes before the first structure.
    pub head: Structure,
    /// The structures in order.
    pub structures: Vec<Structure>,
}

impl Disassembly {
    /// Reads iasl's text.
    pub fn parse(text: &str) -> Result<Self> {
        let mut found = Self::default();
        for line in text.lines() {
            if line.starts_with("Raw Table Data") {
                break;
            }
            // That a structure may end early is for the library to know, too.
            if line.contains("****") && !line.contains("terminates early") {
                bail!("iasl: {}", line.trim());
            }
            let Some(field) = field(line) else { continue };
            if field.name == TYPE {
                found.structures.push(Structure::default());
            }
            let last = found.structures.last_mut().unwrap_or(&mut found.head);
            last.0.push(field);
        }
        ensure!(!found.head.0.is_empty(), "iasl's text has no fields");
        for structure in &mut found.structures {
            let (Some(start), len) = (structure.offset(), structure.number("Length")?) else {
                bail!("a structure without a place");
            };
            let end = start + usize::try_from(len)?;
            // A field that an older revision of the table lacks is told from what comes next.
            let inside = |field: &Field| field.place.is_none_or(|(at, len)| at + len <= end);
            structure.0.retain(inside);
        }
        Ok(found)
    }
}

/// `[024h 0036 004h]  NAME : VALUE [COMMENT]`; of a bit all but the brackets.
fn field(line: &str) -> Option<Field> {
    let (place, rest) = match line.strip_prefix('[') {
        Some(rest) => {
            let (place, rest) = rest.split_once(']')?;
            let mut words = place.split_whitespace();
            let at = words.nth(1)?.parse().ok()?;
            let len = usize::from_str_radix(words.next()?.trim_end_matches('h'), 16).ok()?;
            (Some((at, len)), rest)
        }
        None if line.starts_with("  ") => (None, line),
        None => return None,
    };
    let (name, value) = rest.split_once(" : ")?;
    let value = value.trim();
    let value = match value.strip_prefix('"') {
        Some(text) => text.split('"').next()?,
        None => value.split(" [").next()?.split(" /*").next()?.trim_end(),
    };
    let name = name.trim().trim_end_matches(" (decoded below)");
    Some(Field {
        place,
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

#[cfg(test)]
#[path = "iasl_tests.rs"]
mod tests;
