//! `cargo xtask lint`: what the tests cannot see.

use crate::{arch::Arch, msrv, process, setup, toolchain::Toolchain, tools::Need, width};
use anyhow::Result;
use std::{
    process::{Command, ExitCode},
    time::Instant,
};

/// Packages that are built for bare metal.
const BARE: [&str; 8] = [
    "kpmem",
    "kpmem-capi",
    "kpmem-log",
    "kpmem-firmware",
    "kpmem-guest",
    "kpmem-runtime",
    "kpmem-unikernel",
    "kpmem-artefact",
];
const DENY: [&str; 3] = ["--", "-D", "warnings"];

pub(super) fn run() -> Result<ExitCode> {
    setup::ensure_these(&Need::for_lint())?;
    let active = Toolchain::active()?;
    let mut lint = Lint { failed: 0 };

    lint.step("rustfmt", active.cargo("fmt").args(["--all", "--check"]));
    lint.check("width of comments", width::check);
    let mut clippy = active.clippy();
    lint.step(
        "clippy, host",
        clippy
            .args(["--quiet", "--workspace", "--all-targets"])
            .args(DENY),
    );
    let mut doc = active.cargo("doc");
    lint.step(
        "rustdoc, host",
        quiet_doc(&mut doc).args(["--workspace", "--no-deps"]),
    );
    for arch in Arch::ALL {
        let toolchain = Toolchain::require(arch)?;
        let mut clippy = toolchain.for_bare(arch, toolchain.clippy());
        clippy.args([
            "--quiet", "--lib", "--bins", "--test", "smoke", "--test", "promises",
        ]);
        lint.step(
            &format!("clippy, {}", arch.target()),
            clippy.args(packages(&BARE)).args(DENY),
        );
        let mut doc = toolchain.cargo_for(arch, "doc");
        quiet_doc(&mut doc)
            .args(["--no-deps", "--lib"])
            .args(packages(&BARE));
        lint.step(&format!("rustdoc, {}", arch.target()), &mut doc);
    }
    let oldest = format!("Rust {}", msrv::MSRV);
    lint.check(&oldest, msrv::build);

    if lint.failed > 0 {
        println!("lint: {} steps FAILED", lint.failed);
        return Ok(ExitCode::FAILURE);
    }
    println!("lint: all is well");
    Ok(ExitCode::SUCCESS)
}

struct Lint {
    failed: u32,
}

impl Lint {
    fn step(&mut self, name: &str, command: &mut Command) {
        self.check(name, || process::run(command).map(|()| String::new()));
    }

    fn check(&mut self, name: &str, check: impl FnOnce() -> Result<String>) {
        let start = Instant::now();
        let result = check();
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(what) => println!("lint: {name} ... ok ({seconds:.1} s) {what}"),
            Err(error) => {
                self.failed += 1;
                println!("lint: {name} ... FAILED: {error:#}");
            }
        }
    }
}

fn quiet_doc(command: &mut Command) -> &mut Command {
    command.arg("--quiet").env("RUSTDOCFLAGS", "-D warnings")
}

fn packages(names: &[&'static str]) -> Vec<&'static str> {
    names.iter().flat_map(|&name| ["--package", name]).collect()
}
