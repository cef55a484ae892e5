//! Our `libpmem2.h` beside PMDK's: types, constants, functions.

use super::sources;
use crate::process;
use anyhow::{Context, Result, bail};
use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// The list of types and values holds, as C99 and as C++17.
pub(super) fn listed(include: &Path, folder: &Path) -> Result<()> {
    for (compiler, standard) in [("cc", "c99"), ("c++", "c++17")] {
        let mut command = Command::new(compiler);
        if compiler == "c++" {
            command.args(["-x", "c++"]);
        }
        command
            .arg(format!("-std={standard}"))
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"])
            .arg("-I")
            .arg(include)
            .arg(sources().join("types.c"))
            .arg("-o")
            .arg(folder.join("types.o"));
        process::stdout_of(&mut command)?;
    }
    Ok(())
}

/// A header with another value is refused.
pub(super) fn wrong_value(include: &Path, folder: &Path) -> Result<()> {
    let header = fs::read_to_string(include.join("libpmem2.h"))?;
    let wrong = folder.join("wrong");
    fs::create_dir_all(&wrong)?;
    for (right, other) in [
        ("(-100024)", "(-100023)"),
        ("unsigned flags", "int flags"),
        ("int *numa_node", "long *numa_node"),
    ] {
        if !header.contains(right) {
            bail!("the header has no {right}");
        }
        fs::write(wrong.join("libpmem2.h"), header.replace(right, other))?;
        if listed(&wrong, folder).is_ok() {
            bail!("{other} for {right} was taken for the same");
        }
    }
    Ok(())
}

/// The names of the constants that a header defines by the preprocessor.
fn constants(include: &Path, folder: &Path) -> Result<BTreeSet<String>> {
    let mut command = Command::new("cc");
    command.args(["-E", "-dM", "-I"]).arg(include);
    let text = process::stdout_of(command.arg(unit(folder)?))?;
    let names = text.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("#define ")?.split_once(' ')?;
        name.starts_with("PMEM2_").then(|| name.to_owned())
    });
    Ok(names.collect())
}

/// The functions that a header declares, with their types.
fn functions(include: &Path, folder: &Path) -> Result<BTreeSet<String>> {
    let (unit, list) = (unit(folder)?, folder.join("functions"));
    let mut command = Command::new("cc");
    command.arg("-I").arg(include).arg("-aux-info").arg(&list);
    command.args(["-S", "-o", "/dev/null"]).arg(unit);
    process::stdout_of(&mut command).context("only gcc lists functions")?;
    let text = fs::read_to_string(list)?;
    let declarations = text.lines().filter_map(|line| {
        // /* libpmem2.h:80:NC */ extern int pmem2_... (...);
        let (_, declaration) = line.split_once("*/ ")?;
        let (before, _) = declaration.split_once(" (")?;
        let name = before.rsplit([' ', '*']).next()?;
        let (declaration, _) = declaration.split_once(';')?;
        name.starts_with("pmem2_").then(|| declaration.to_owned())
    });
    Ok(declarations.collect())
}

/// A file that includes the header and nothing else.
fn unit(folder: &Path) -> Result<std::path::PathBuf> {
    let unit = folder.join("unit.c");
    fs::write(&unit, "#include <libpmem2.h>\n")?;
    Ok(unit)
}

/// All constants are there, and no other.
pub(super) fn same_constants(ours: &Path, peer: &Path, folder: &Path) -> Result<()> {
    same(constants(ours, folder)?, &constants(peer, folder)?)
}

/// All functions are there, of the same types, and no other.
pub(super) fn same_functions(ours: &Path, peer: &Path, folder: &Path) -> Result<()> {
    same(functions(ours, folder)?, &functions(peer, folder)?)
}

fn same(ours: BTreeSet<String>, peer: &BTreeSet<String>) -> Result<()> {
    if peer.len() < 20 {
        bail!("only {} were found in PMDK's header", peer.len());
    }
    let odd: Vec<_> = ours.symmetric_difference(peer).collect();
    if !odd.is_empty() {
        bail!("only one of the two has {odd:?}");
    }
    Ok(())
}
