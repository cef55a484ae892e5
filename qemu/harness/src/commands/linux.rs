//! `cargo xtask linux`.

use crate::{
    arch::Arch,
    linux::{
        console::{self, Hangs},
        files::Given,
        guest::{Guest, Spec},
        kernel::ALL_SUITES,
        nvdimm::Nvdimm,
    },
    setup,
    tools::Need,
};
use anyhow::Result;
use std::{
    io::{Write, stdout},
    process::ExitCode,
    time::Duration,
};

/// The exit status if the program did not end in time, as that of `timeout`.
const HANGS: u8 = 124;
/// The exit status if the program could not be run.
const FAILED: u8 = 125;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Instruction set of the guest.
    #[arg(long, default_value = "x86_64")]
    arch: Arch,
    /// What the NVDIMM is used as.
    #[arg(long, default_value = "plain")]
    nvdimm: Nvdimm,
    /// Bytes of the NVDIMM, or with M mebibytes [default: 64M; 320M for XFS].
    #[arg(long, value_parser = size)]
    size: Option<u64>,
    /// A package of Debian's that the guest has, with what it depends on.
    #[arg(long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Release of these packages [default: the oldest that has them].
    #[arg(long)]
    suite: Option<String>,
    /// Release of the kernel [default: the oldest that will do].
    #[arg(long, value_parser = ALL_SUITES)]
    kernel: Option<String>,
    /// A file or folder of this machine that the guest has, in /files or at GUEST.
    #[arg(long = "file", value_name = "HOST[:GUEST]", value_parser = Given::parse)]
    files: Vec<Given>,
    /// The guest's RAM in MiB, beside what its files take.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u64).range(256..=2048))]
    ram: u64,
    /// Give up after so many seconds.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The program and its arguments: a file of this machine, or a program of the packages or of
    /// busybox by its name.
    #[arg(last = true, value_name = "PROGRAM")]
    command: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let error = match run_program(args) {
        Ok(status) => return Ok(ExitCode::from(status)),
        Err(error) => error,
    };
    eprintln!("error: {error:#}");
    let hangs = error.downcast_ref::<Hangs>().is_some();
    Ok(ExitCode::from(if hangs { HANGS } else { FAILED }))
}

fn run_program(args: &Args) -> Result<u8> {
    setup::ensure_these(&[Need::Qemu(args.arch)])?;
    let kernel = ALL_SUITES
        .into_iter()
        .find(|suite| args.kernel.as_deref() == Some(suite));
    let spec = Spec {
        kernel,
        size: args.size.unwrap_or(args.nvdimm.default_size()),
        ram: args.ram,
        suite: args.suite.clone(),
        packages: args.packages.clone(),
        files: args.files.clone(),
        command: args.command.clone(),
        ..Spec::new(args.arch, args.nvdimm)
    };
    let guest = Guest::new(&spec)?;
    let image = guest.image()?;
    let limit = Duration::from_secs(args.timeout);
    let ran = console::run(&guest, &image, limit, |text| {
        // Nobody listens any more: the program's status still counts.
        let mut out = stdout();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    })?;
    eprintln!(
        "linux: {} for {} was up after {:.1} s",
        ran.release,
        args.arch,
        ran.boot.as_secs_f64()
    );
    Ok(ran.status)
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['M', 'm']) {
        Some(digits) => (digits, 1 << 20),
        None => (text, 1),
    };
    let bytes = digits.parse().ok().and_then(|n: u64| n.checked_mul(unit));
    bytes.ok_or_else(|| "neither bytes nor mebibytes with an M".to_owned())
}
