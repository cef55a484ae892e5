//! Installs what is missing, on Debian 12 and its like; says what to do elsewhere.

mod apt;
pub mod closure;
mod debian;
mod sources;
pub mod unpacked;

use crate::{page::browser::Browser, process, tools::Need};
use anyhow::{Context, Result, bail};
use std::{process::Command, sync::OnceLock, time::Duration};

/// `rustup target add` fetches some ten megabytes a target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// What is needed, if not all that tests and demo need.
static NEEDED: OnceLock<Vec<Need>> = OnceLock::new();

/// Has [`ensure`] look for these alone. The first call counts.
pub fn settle(needs: Vec<Need>) {
    NEEDED.get_or_init(|| needs);
}

/// Makes sure that everything is there that tests and demo need, or what was settled.
pub fn ensure() -> Result<()> {
    match NEEDED.get() {
        Some(needs) => ensure_these(needs),
        None => ensure_these(&Need::all()),
    }
}

/// Makes sure that these are there. Costs a few process starts when they are.
pub fn ensure_these(needs: &[Need]) -> Result<()> {
    if Need::missing(needs).is_empty() {
        return Ok(());
    }
    add_targets(needs);
    if needs.contains(&Need::Sources) {
        add_sources();
    }
    let missing = Need::missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!("setup: {need} is missing");
    }
    let steps = apt::plan(&missing)?;
    if !rustix::process::geteuid().is_root() {
        eprintln!("setup: installing needs root. Run these as root, then try again:\n");
        for step in &steps {
            eprintln!("{}", step.shell);
        }
        bail!(
            "{} things are missing (see the commands above)",
            missing.len()
        );
    }
    for (number, step) in steps.iter().enumerate() {
        eprintln!("setup: [{}/{}] {}", number + 1, steps.len(), step.what);
        eprintln!("  # {}", step.shell);
        let done = process::run(Command::new("sh").args(["-c", &step.shell]));
        match done {
            Err(error) if step.may_fail => eprintln!("setup: {error:#}; going on"),
            done => done.with_context(|| format!("set-up failed at: {}", step.what))?,
        }
    }
    if let Some(need) = Need::missing(needs).first() {
        let why = need.find().err().unwrap_or_default();
        bail!("set-up ran, and {need} is still missing: {why}");
    }
    Ok(())
}

/// The codename of this machine's release.
pub fn release() -> String {
    apt::Release::read().codename
}

/// Whether there is a C compiler, or one could be installed. To be without is no error.
pub fn has_clang() -> bool {
    has(Need::Clang)
}

/// The same of the peer's library.
pub fn has_libpmem2() -> bool {
    has(Need::Libpmem2)
}

/// Whether QEMU's system calls can be seen.
pub fn has_strace() -> bool {
    has(Need::Strace)
}

fn has(need: Need) -> bool {
    if let Err(error) = ensure_these(&[need]) {
        eprintln!("setup: {error:#}; going on without {need}");
    }
    need.find().is_ok()
}

/// The browser; `None` if there is none and none can be installed, which is no error.
pub fn browser() -> Option<Browser> {
    if let Err(error) = ensure_these(&[Need::Browser]) {
        eprintln!("setup: {error:#}; going on without a browser");
    }
    Browser::find()
}

/// The quick way to `core`, where rustup manages the compiler and can download.
fn add_targets(needs: &[Need]) {
    let lacking = needs.iter().filter_map(|need| match need {
        Need::Core(arch) if need.find().is_err() => Some(arch.target()),
        _ => None,
    });
    let lacking: Vec<_> = lacking.collect();
    if lacking.is_empty() || process::find("rustup").is_none() {
        return;
    }
    let words = [&["target", "add"], &lacking[..]].concat();
    rustup(&words);
}

/// The same for its sources.
fn add_sources() {
    if Need::Sources.find().is_err() && process::find("rustup").is_some() {
        rustup(&["component", "add", "rust-src"]);
    }
}

fn rustup(words: &[&str]) {
    eprintln!("setup: rustup {}", words.join(" "));
    let mut command = Command::new("rustup");
    command.args(words);
    if let Err(error) = process::run_within(&mut command, RUSTUP_LIMIT) {
        eprintln!("setup: {error:#}; the distribution's compiler will do instead");
    }
}
