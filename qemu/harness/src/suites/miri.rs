//! The library in Miri, which knows undefined behaviour where a CPU only does as it is told.
//!
//! Miri runs no inline assembly, so the target is one without a file in `arch/`; it is big-endian
//! besides, which no other suite is.

use super::host;
use crate::{
    process,
    report::{Case, Suite, Verdict},
    workspace,
};
use anyhow::Result;
use std::{
    process::{Command, Output},
    time::Duration,
};

const TARGET: &str = "s390x-unknown-linux-gnu";
/// Rules about which pointers may be used when, and Miri's flags for them.
const MODELS: [(&str, &str); 2] = [
    ("Stacked Borrows", "-Zmiri-strict-provenance"),
    (
        "Tree Borrows",
        "-Zmiri-strict-provenance -Zmiri-tree-borrows",
    ),
];
/// A test that does what is undefined.
const CONTROL: &str = "negative_control_is_reported";
/// Some ten megabytes; a nightly compiler, where there is none, is some hundred.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Runs the library's test target `miri`, if Miri can be had.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("miri", None, None);
    if let Err(why) = ensure() {
        suite.add(Case {
            name: "the library has no undefined behaviour".to_owned(),
            verdict: Verdict::Skipped(format!("there is no Miri: {why:#}")),
        });
        return Ok(suite);
    }
    for (model, flags) in MODELS {
        let tests = tests(&process::output_of(&mut miri(flags, &[]))?);
        for case in tests {
            suite.add(Case {
                name: format!("{model}: {}", case.name),
                ..case
            });
        }
        let control = process::output_of(&mut miri(flags, &["--ignored", "--exact", CONTROL]))?;
        suite.add(Case::check(
            format!("negative control: undefined behaviour is reported by {model}"),
            reports(&control),
            "it was not",
        ));
    }
    Ok(suite)
}

/// The cases of a run, and one more if it was none.
fn tests(output: &Output) -> Vec<Case> {
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    // The control is no case of its own.
    let mut cases: Vec<_> = text
        .lines()
        .filter_map(host::case)
        .filter(|case| case.name != CONTROL)
        .collect();
    let why = if errors.contains("no test target named `miri`") {
        "there is no test target miri".to_owned()
    } else if !output.status.success() {
        format!("{}\n{text}{errors}", output.status)
    } else if cases.is_empty() {
        "nothing was run".to_owned()
    } else {
        return cases;
    };
    cases.push(Case::from_result("all tests ran", Err(why)));
    cases
}

fn reports(control: &Output) -> bool {
    let errors = String::from_utf8_lossy(&control.stderr);
    !control.status.success() && errors.contains("error: Undefined Behavior")
}

/// The tests, interpreted.
fn miri(flags: &str, arguments: &[&str]) -> Command {
    let mut command = nightly(&["cargo", "miri", "test", "--quiet"]);
    command
        .args(["--package", "kpmem-tests", "--test", "miri"])
        .args(["--no-default-features", "--features", "detect,page"])
        .args(["--target", TARGET])
        .args(["--", "--format", "pretty"])
        .args(arguments)
        .env("MIRIFLAGS", flags);
    command
}

/// Makes sure that there is a nightly compiler with Miri.
fn ensure() -> Result<()> {
    let mut version = nightly(&["cargo", "miri", "--version"]);
    if process::stdout_of(&mut version).is_ok() {
        return Ok(());
    }
    let mut install = Command::new("rustup");
    if process::stdout_of(&mut nightly(&["rustc", "--version"])).is_ok() {
        eprintln!("test: rustup component add miri rust-src --toolchain nightly");
        install.args(["component", "add", "--toolchain", "nightly"]);
        install.args(["miri", "rust-src"]);
    } else {
        eprintln!("test: rustup toolchain install nightly");
        install.args(["toolchain", "install", "nightly", "--no-self-update"]);
        install.args(["--profile", "minimal"]);
        install.args(["--component", "miri", "--component", "rust-src"]);
    }
    process::run_within(&mut install, RUSTUP_LIMIT)?;
    process::stdout_of(&mut version).map(drop)
}

/// A command of the nightly compiler, which is not installed merely because it is asked for.
fn nightly(command: &[&str]) -> Command {
    let mut rustup = Command::new("rustup");
    rustup
        .args(["run", "nightly"])
        .args(command)
        .current_dir(workspace::root())
        .env("RUSTUP_AUTO_INSTALL", "0");
    rustup
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::ExitStatus;

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        use std::os::unix::process::ExitStatusExt;
        Output {
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    fn last(output: &Output) -> Verdict {
        super::tests(output).pop().expect("no case").verdict
    }

    #[test]
    fn a_run_without_tests_fails() {
        let ignored = format!("test {CONTROL} ... ignored, on purpose\n");
        let nothing = Verdict::Failed("nothing was run".into());
        assert_eq!(last(&output(0, &ignored, "")), nothing);
        let missing = "error: no test target named `miri` in `kpmem-tests` package";
        let target = Verdict::Failed("there is no test target miri".into());
        assert_eq!(last(&output(101, "", missing)), target);
        let passed = output(0, &format!("test a ... ok\n{ignored}"), "");
        assert_eq!(last(&passed), Verdict::Passed);
    }

    #[test]
    fn miri_stops_at_the_first_error() {
        let stopped = output(
            1,
            "test a ... ok\ntest b ... ",
            "error: Undefined Behavior: x",
        );
        assert!(matches!(last(&stopped), Verdict::Failed(why) if why.contains("Behavior: x")));
    }

    #[test]
    fn a_control_that_fails_otherwise_is_not_reported() {
        assert!(reports(&output(1, "", "error: Undefined Behavior: x")));
        assert!(!reports(&output(101, "", "thread panicked")));
        assert!(!reports(&output(0, "", "")));
    }
}
