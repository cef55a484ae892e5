//! The hypervisor's side: the tests of its crate, a short run of its fuzzer, and which system calls
//! its example makes.

use crate::{
    process,
    report::{Case, Suite, Verdict},
    setup,
    suites::{fuzz, host, virtio},
    toolchain::{self, Toolchain},
};
use anyhow::{Context, Result};
use std::{fs, path::Path, process::Command};

const PACKAGE: &str = "kpmem-vmm";
const EXAMPLE: &str = "hypervisors";
/// How many FLUSHes each hypervisor of the example is sent.
const FLUSHES: usize = 5;

/// Runs all of it.
pub fn run() -> Result<Vec<Suite>> {
    let toolchain = Toolchain::active()?;
    let mut suite = host::one(&toolchain, PACKAGE)?;
    suite.add(fuzz::hypervisor()?);
    if setup::has_strace() {
        let mut build = toolchain.cargo("build");
        // As its tests were built, so that nothing is built again.
        build.args(["--quiet", "--profile", "test", "--all-features"]);
        build.args(["--package", PACKAGE, "--example", EXAMPLE]);
        let built = toolchain::executables(build)?;
        let example = built.get(EXAMPLE).context("the example was not built")?;
        let one_each = counted(&traced(example, FLUSHES)?, FLUSHES);
        suite.add(Case::from_result("each FLUSH is one system call", one_each));
        let none = counted(&traced(example, 0)?, FLUSHES);
        let name = "negative control: without FLUSHes there is none";
        suite.add(Case::check(name, none.is_err(), "they were seen"));
    } else {
        suite.add(Case {
            name: "each FLUSH is one system call".to_owned(),
            verdict: Verdict::Skipped("there is no strace, or it may not trace".to_owned()),
        });
    }
    Ok(vec![suite])
}

/// What the example says, and what strace says of it.
struct Traced {
    said: String,
    calls: String,
}

fn traced(example: &Path, flushes: usize) -> Result<Traced> {
    // On the file system of the target directory: there are those that are never synced.
    let directory = example.parent().context("the example is nowhere")?;
    let trace = tempfile::NamedTempFile::new()?;
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-e", "trace=msync,fsync,fdatasync", "-o"])
        .arg(trace.path())
        .arg(example)
        .arg(flushes.to_string())
        .current_dir(directory);
    Ok(Traced {
        said: process::stdout_of(&mut strace)?,
        calls: fs::read_to_string(trace.path())?,
    })
}

/// Whether each hypervisor answered so many FLUSHes, with a system call for each.
fn counted(traced: &Traced, flushes: usize) -> Result<(), String> {
    let Traced { said, calls } = traced;
    let answered = format!(": {flushes} FLUSHes");
    let hypervisors = said
        .lines()
        .filter(|line| line.ends_with(&answered))
        .count();
    let synced = calls.lines().filter(|line| virtio::is_sync(line)).count();
    let expected = hypervisors * flushes;
    if expected == 0 || hypervisors < said.lines().count() {
        return Err(format!("not all answered {flushes} FLUSHes:\n{said}"));
    }
    match synced == expected {
        true => Ok(()),
        false => Err(format!("{synced} calls, not {expected}:\n{calls}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_one_call() {
        let verdict = |said: &str, calls: usize| {
            let traced = Traced {
                said: said.to_owned(),
                calls: "7 msync(0x7f0000000000, 4096, MS_SYNC) = 0\n".repeat(calls),
            };
            counted(&traced, 2)
        };
        assert_eq!(verdict("A: 2 FLUSHes\nB: 2 FLUSHes\n", 4), Ok(()));
        assert!(verdict("A: 2 FLUSHes\nB: 2 FLUSHes\n", 3).is_err());
        assert!(verdict("A: 2 FLUSHes\n", 3).is_err());
        assert!(verdict("A: 2 FLUSHes\nB: 1 FLUSHes\n", 2).is_err());
        assert!(verdict("", 0).is_err(), "nothing was said");
    }
}
