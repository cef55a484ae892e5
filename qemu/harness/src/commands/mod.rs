//! The subcommands.

mod bench;
mod boot;
mod capi;
mod coverage;
mod crash;
mod demo;
mod doctor;
mod fixtures;
mod fuzz;
mod judge;
mod lint;
mod linux;
mod linux_module;
mod machine;
mod nfit;
mod package;
mod setup;
mod test;
mod unikernel;

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::{ffi::OsString, iter, process::ExitCode};

/// kpmem's test harness.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what is needed, what was found and what is missing.
    Doctor,
    /// Install what is missing (`demo` and `test` do so too).
    Setup,
    /// Boot a kernel in QEMU with an NVDIMM: the runner of `cargo run` and `cargo test`.
    Boot(boot::Args),
    /// Cut the power on a kernel that writes a log, many times, and see what is kept.
    Demo(demo::Args),
    /// Measure the library beside libpmem2 and the bare instructions, on this machine.
    Bench(bench::Args),
    /// Check format, width, lints, documentation, and that the oldest compiler builds the library.
    Lint,
    /// Simulate power cuts with a cache: every crash image that the hardware allows.
    Crash(Box<crash::Args>),
    /// Say whether flush and copy functions that you already have keep their promise.
    Judge(judge::Args),
    /// Fuzz what reads untrusted bytes: firmware's tables, both sides of virtio-pmem.
    Fuzz(fuzz::Args),
    /// Count the branches of the parsers that their tests take (a nightly compiler's work).
    Coverage,
    /// Decode a raw NFIT: ranges, devices and their state, flush hints, capabilities.
    Nfit(nfit::Args),
    /// Write the firmware tables that tests read, as QEMU gives them.
    Fixtures,
    /// Boot the example unikernel, cut its power, and boot it on what is left.
    Unikernel(unikernel::Args),
    /// Run a program in a Linux out of Debian's packages, with an NVDIMM.
    Linux(linux::Args),
    /// Cut the power of Debian's kernels that keep a log with the module of examples/linux-module.
    LinuxModule(linux_module::Args),
    /// Build the static libraries and headers for C.
    Capi(capi::Args),
    /// Make the packages that kpmem-crash is published by, with the sources that it compiles.
    Package(package::Args),
    /// Run every suite: host, Miri, bare metal on each kind of CPU, machine code.
    Test(test::Args),
}

/// Does what these words say, which are a subcommand and its options.
pub fn run(words: Vec<OsString>) -> Result<ExitCode> {
    let command = Cli::command().name("kpmem-crash").bin_name("kpmem-crash");
    // One subcommand here is four words there.
    let command = command.mut_subcommand("crash", |it| {
        it.override_usage(
            "kpmem-crash kernel FILE [OPTIONS]\n       \
             kpmem-crash linux [OPTIONS] -- PROGRAM [ARGS]\n       \
             kpmem-crash replay NAME [OPTIONS]\n       \
             kpmem-crash merge FILE...",
        )
    });
    let matches = command.get_matches_from(iter::once("kpmem-crash".into()).chain(words));
    Cli::from_arg_matches(&matches)?.run()
}

impl Cli {
    /// Does what the command line says.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Doctor => doctor::run(),
            Command::Setup => setup::run(),
            Command::Demo(args) => demo::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Lint => lint::run(),
            Command::Test(args) => test::run(&args),
            Command::Unikernel(args) => unikernel::run(&args),
            Command::Boot(args) => boot::run(&args),
            Command::Crash(args) => crash::run(&args),
            Command::Judge(args) => judge::run(&args),
            Command::Capi(args) => capi::run(&args),
            Command::Coverage => coverage::run(),
            Command::Fuzz(args) => fuzz::run(&args),
            Command::Linux(args) => linux::run(&args),
            Command::LinuxModule(args) => linux_module::run(&args),
            Command::Nfit(args) => nfit::run(&args),
            Command::Package(args) => package::run(&args),
            Command::Fixtures => fixtures::run(),
        }
    }
}
