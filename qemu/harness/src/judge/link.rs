//! Links somebody's functions into the guest that calls them.

use super::{
    Question,
    apart::PREFIX,
    files::Files,
    objects::{Objects, Standing, near},
};
use crate::{process, toolchain::Toolchain};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Output,
    sync::{Mutex, PoisonError},
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

/// Links. Functions of a C library that are missing get stubs.
pub(super) fn link(question: &Question) -> Result<Linked> {
    let objects = Objects::read(&question.file)?;
    let names = objects.names();
    for (what, symbol) in &question.symbols {
        offers(&question.file, &names, what, symbol)?;
    }
    instrumented(&names).with_context(|| question.file.display().to_string())?;
    let files = Files::of(&objects, &names, question)?;
    // Every guest is built in the same place.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let first = attempt(question, &files, &[])?;
    if let Some(kernel) = built(&first) {
        return Ok(Linked {
            kernel: files.keep(&kernel)?,
            missing: Vec::new(),
        });
    }
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    let missing = undefined(&said);
    if missing.is_empty() || missing.iter().any(|name| !names.contains_key(name)) {
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
    let second = attempt(question, &files, &missing)?;
    match built(&second) {
        Some(kernel) => Ok(Linked {
            kernel: files.keep(&kernel)?,
            missing,
        }),
        None => bail!(
            "{} cannot be linked, even with stubs for {}:\n{}",
            question.file.display(),
            missing.join(", "),
            of_linker(&String::from_utf8_lossy(&second.stderr))
        ),
    }
}

/// Whether a file has a function, or a sentence that says what it has instead.
fn offers(file: &Path, names: &BTreeMap<String, Standing>, what: &str, symbol: &str) -> Result<()> {
    let is = match names.get(symbol) {
        Some(Standing::Function) => return Ok(()),
        Some(Standing::Indirect) => {
            format!("has {symbol} as an ifunc: name the function that it stands for")
        }
        Some(Standing::Data) => format!("defines {symbol} as data, and it is no function"),
        Some(Standing::Static) => format!("has {symbol} as static, so that nobody can call it"),
        Some(Standing::Wanted) => format!("calls {symbol}, and does not define it"),
        None => format!("has no function {symbol}"),
    };
    let near = near(symbol, names);
    let has = match near.is_empty() {
        true => "it has none at all".to_owned(),
        false => format!("it has {}", near.join(", ")),
    };
    bail!("{} {is} (for --{what}); {has}", file.display())
}

/// Refuses what is compiled for a tool that has to be there from the start.
fn instrumented(names: &BTreeMap<String, Standing>) -> Result<()> {
    const TOOLS: [(&str, &str); 5] = [
        ("__asan_", "address"),
        ("__hwasan_", "hwaddress"),
        ("__msan_", "memory"),
        ("__tsan_", "thread"),
        ("__memprof_", "memory-profile"),
    ];
    for (prefix, tool) in TOOLS {
        let mut wanted = names.iter().filter(|(_, is)| **is == Standing::Wanted);
        if let Some((name, _)) = wanted.find(|(name, _)| name.starts_with(prefix)) {
            bail!("is compiled with -fsanitize={tool} (it calls {name}): compile it without");
        }
    }
    Ok(())
}

fn attempt(question: &Question, files: &Files, missing: &[String]) -> Result<Output> {
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
    let mut pass = |argument: String| {
        command.args(["-C".to_owned(), format!("link-arg={argument}")]);
    };
    pass("--error-limit=0".to_owned());
    pass("--no-demangle".to_owned());
    // What is named by its section only (`__start_`) stays.
    pass("-znostart-stop-gc".to_owned());
    for what in CALLED {
        // Those that are not judged are never called.
        let target = match question.symbols.get(what) {
            Some(symbol) => {
                pass(format!("--undefined={PREFIX}{symbol}"));
                format!("{PREFIX}{symbol}")
            }
            None => "kpmem_judge_stubs".to_owned(),
        };
        pass(format!("--defsym=kpmem_judge_{what}={target}"));
    }
    for (number, name) in missing.iter().enumerate() {
        pass(format!("--defsym={name}=kpmem_judge_stubs+{}", number * 8));
    }
    pass(format!("--defsym=kpmem_room={}", files.room));
    pass(format!("@{}", files.list.display()));
    process::output_of(command.stderr(std::process::Stdio::piped()))
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
        // The linker says of what visibility it is, if of any.
        .filter_map(|line| line.split_once("error: undefined "))
        .filter_map(|(_, rest)| rest.split_once("symbol: "))
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
                    rust-lld: error: undefined hidden symbol: close\n\
                    rust-lld: error: undefined symbol: open\n";
        assert_eq!(undefined(said), ["close", "open"]);
    }
}
