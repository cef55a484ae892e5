//! Links somebody's functions into the guest that calls them.

use super::Question;
use crate::{arch::Arch, process, toolchain::Toolchain, workspace};
use anyhow::{Context, Result, bail};
use kpmem_model::{
    Isa,
    decode::{Action, decode},
};
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol,
    read::archive::{ArchiveFile, ArchiveMember},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Output,
};

/// The functions that the guest calls, by what they are for.
const CALLED: [&str; 6] = ["persist", "flush", "drain", "memcpy", "memmove", "memset"];
/// Names that the guest's table of stubs has room for.
const STUBS: usize = 2048;

/// A guest with the functions in it.
pub(super) struct Linked {
    pub(super) kernel: PathBuf,
    /// Functions that nobody brought along, by the number of their stub.
    pub(super) missing: Vec<String>,
}

/// The instruction set that an object file or static library is for.
pub fn arch_of(file: &Path) -> Result<Arch> {
    let mut found = BTreeSet::new();
    for_each_object(file, |object| {
        found.insert(match object.architecture() {
            Architecture::X86_64 => Some(Arch::X86_64),
            Architecture::Aarch64 => Some(Arch::Aarch64),
            Architecture::Riscv64 => Some(Arch::Riscv64),
            _ => None,
        });
    })?;
    match found.iter().copied().collect::<Vec<_>>()[..] {
        [Some(arch)] => Ok(arch),
        [] => bail!("{} holds no object file", file.display()),
        [None] => bail!(
            "{} is for another instruction set than x86_64, aarch64 and riscv64",
            file.display()
        ),
        _ => bail!("{} mixes instruction sets", file.display()),
    }
}

/// Hands every object in the file to `each`.
fn for_each_object(file: &Path, mut each: impl FnMut(&object::File<'_>)) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let unknown = || {
        format!(
            "{} is neither an ELF object file nor a static library",
            file.display()
        )
    };
    let Ok(archive) = ArchiveFile::parse(&*bytes) else {
        let object = object::File::parse(&*bytes).with_context(unknown)?;
        if object.kind() != object::ObjectKind::Relocatable {
            bail!(
                "{} is linked already: an object file (-c) or a static library is wanted",
                file.display()
            );
        }
        each(&object);
        return Ok(());
    };
    if archive.is_thin() {
        bail!("{} is a thin archive, without its objects", file.display());
    }
    for member in archive.members() {
        let member: ArchiveMember<'_> = member.with_context(unknown)?;
        // A Rust library has its metadata beside the objects.
        if let Ok(object) = object::File::parse(member.data(&*bytes).with_context(unknown)?) {
            each(&object);
        }
    }
    Ok(())
}

/// The names of the functions that a file offers.
fn offered(file: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for_each_object(file, |object| {
        let defined = object
            .symbols()
            .filter(|s| s.is_definition() && s.is_global());
        names.extend(defined.filter_map(|s| s.name().ok().map(str::to_owned)));
    })?;
    Ok(names)
}

/// The numbers of the marks in a function, in the order of their addresses.
pub fn marks_in(file: &Path, arch: Arch, function: &str) -> Result<Vec<u8>> {
    let isa = match arch {
        Arch::X86_64 => Isa::X86_64,
        Arch::Aarch64 => Isa::Aarch64,
        Arch::Riscv64 => Isa::Riscv64,
    };
    let mut marks = Vec::new();
    for_each_object(file, |object| {
        let mut symbols = object.symbols();
        let symbol = symbols.find(|symbol| symbol.name() == Ok(function));
        let section = symbol.as_ref().and_then(|s| s.section_index());
        let section = section.and_then(|index| object.section_by_index(index).ok());
        let Some((symbol, bytes)) = symbol.zip(section.and_then(|s| s.data().ok())) else {
            return;
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
    })?;
    Ok(marks)
}

/// Links. Functions of a C library that are missing get stubs.
pub(super) fn link(question: &Question) -> Result<Linked> {
    let offered = offered(&question.file)?;
    for (what, symbol) in &question.symbols {
        if !offered.contains(symbol) {
            let some: Vec<_> = offered.iter().take(20).map(String::as_str).collect();
            bail!(
                "{} has no function {symbol} (for --{what}); it has {}{}",
                question.file.display(),
                some.join(", "),
                if offered.len() > some.len() {
                    ", ..."
                } else {
                    ""
                }
            );
        }
    }
    let first = attempt(question, &[])?;
    if let Some(kernel) = built(&first) {
        return Ok(Linked {
            kernel,
            missing: Vec::new(),
        });
    }
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    let missing = undefined(&said);
    if missing.is_empty() {
        bail!(
            "{} cannot be linked:\n{}",
            question.file.display(),
            of_linker(&said)
        );
    }
    if missing.len() > STUBS {
        bail!(
            "{} functions are missing, among them {}",
            missing.len(),
            missing[..20].join(", ")
        );
    }
    let some: Vec<_> = missing.iter().take(8).map(String::as_str).collect();
    eprintln!(
        "judge: stubs stand in for {} functions that the file lacks ({}{}); to call one is a failure",
        missing.len(),
        some.join(", "),
        if missing.len() > some.len() {
            ", ..."
        } else {
            ""
        }
    );
    let second = attempt(question, &missing)?;
    match built(&second) {
        Some(kernel) => Ok(Linked { kernel, missing }),
        None => bail!(
            "{} cannot be linked, even with stubs for {}:\n{}",
            question.file.display(),
            missing.join(", "),
            of_linker(&String::from_utf8_lossy(&second.stderr))
        ),
    }
}

fn attempt(question: &Question, missing: &[String]) -> Result<Output> {
    let arch = question.cpu.arch;
    let toolchain = Toolchain::require(arch)?;
    let mut command = toolchain.cargo_for(arch, "rustc");
    command.args(["--release", "--package", "kpmem-guest", "--bin", "judge"]);
    command.args([
        "--features",
        "judge",
        "--message-format=json-render-diagnostics",
        "--",
    ]);
    let file = kept(&question.file)?;
    let mut pass = |argument: String| {
        command.args(["-C".to_owned(), format!("link-arg={argument}")]);
    };
    pass("--error-limit=0".to_owned());
    // A Rust library brings its panic handler along, a C library its memcpy: ours come first.
    pass("--allow-multiple-definition".to_owned());
    for what in CALLED {
        // Those that are not judged are never called.
        let target = match question.symbols.get(what) {
            Some(symbol) => {
                pass(format!("--undefined={symbol}"));
                symbol.clone()
            }
            None => "kpmem_judge_stubs".to_owned(),
        };
        pass(format!("--defsym=kpmem_judge_{what}={target}"));
    }
    for (number, name) in missing.iter().enumerate() {
        pass(format!("--defsym={name}=kpmem_judge_stubs+{}", number * 8));
    }
    pass(file.display().to_string());
    process::output_of(command.stderr(std::process::Stdio::piped()))
}

/// The same file under a name of its content: cargo links again only if the name is another.
fn kept(file: &Path) -> Result<PathBuf> {
    let cannot = || format!("cannot read {}", file.display());
    let bytes = fs::read(file).with_context(cannot)?;
    let name = file.file_name().with_context(cannot)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let folder = workspace::reports().join(format!("judge/{:016x}", hasher.finish()));
    fs::create_dir_all(&folder).context("cannot make a folder for what is judged")?;
    let kept = folder.join(name);
    fs::write(&kept, bytes).with_context(|| format!("cannot write {}", kept.display()))?;
    Ok(kept)
}

/// The program that a build made, if it did.
fn built(output: &Output) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut programs = messages.filter_map(|message: BTreeMap<String, serde_json::Value>| {
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    programs.next_back().filter(|_| output.status.success())
}

/// The names that the linker did not find, as it says it.
fn undefined(said: &str) -> Vec<String> {
    let names = said
        .lines()
        .filter_map(|line| line.split_once("undefined symbol: "))
        .map(|(_, name)| name.trim().to_owned());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What the linker says, without the command line that it was given.
fn of_linker(said: &str) -> String {
    let errors = said
        .lines()
        .filter(|line| line.contains("error: ") || line.contains(">>>"));
    let errors = errors.take(20).collect::<Vec<_>>().join("\n");
    if errors.contains("R_RISCV_HI20") {
        return format!("{errors}\n(the guest lies at 2 GiB: compile with -mcmodel=medany)");
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_that_the_linker_misses_are_found() {
        let said = "note: rust-lld: error: undefined symbol: open\n\
                    >>> referenced by a.c:3\n\
                    rust-lld: error: undefined symbol: close\n\
                    rust-lld: error: undefined symbol: open\n";
        assert_eq!(undefined(said), ["close", "open"]);
    }
}
