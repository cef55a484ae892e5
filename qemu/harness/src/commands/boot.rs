//! `cargo xtask boot`: one kernel, its serial line on our standard output.

use crate::{
    boot::{End, Vm},
    elf,
    image::{DEFAULT_SIZE, Image},
    machine::Machine,
};
use anyhow::Result;
use std::{
    io::{Write, stdout},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kernel (x86_64: ELF with a PVH note; aarch64 and riscv64: any ELF).
    elf: PathBuf,
    /// QEMU's CPU model [default: the one with the best write-back instruction].
    #[arg(long, env = "KPMEM_CPU")]
    cpu: Option<String>,
    /// Number of CPUs.
    #[arg(long, default_value_t = 1)]
    smp: u32,
    /// The NVDIMM's contents, kept after the boot [default: fresh and forgotten].
    #[arg(long, env = "KPMEM_IMAGE")]
    image: Option<PathBuf>,
    /// Size of a new NVDIMM, in MiB.
    #[arg(long, default_value_t = DEFAULT_SIZE >> 20)]
    nvdimm: u64,
    /// Cut the power after so many seconds; 0 for never.
    #[arg(long, env = "KPMEM_TIMEOUT", default_value_t = 300)]
    timeout: u64,
    /// Words for the guest, found in fw_cfg as opt/org.kpmem/args.
    #[arg(trailing_var_arg = true)]
    args: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let arch = elf::arch_of(&args.elf)?;
    let mut machine = Machine::new(arch);
    machine.smp = args.smp;
    if let Some(cpu) = &args.cpu {
        machine = machine.with_cpu(cpu);
    }
    let image = match &args.image {
        Some(path) => Image::open(path, args.nvdimm << 20)?,
        None => Image::fresh(args.nvdimm << 20)?,
    };
    let limit = match args.timeout {
        0 => Duration::from_secs(u64::from(u32::MAX)),
        seconds => Duration::from_secs(seconds),
    };
    let vm = Vm::boot(&machine, &args.elf, &image, &args.args.join(" "))?;
    let end = vm.run(limit, |line| {
        // Nobody listens any more: the guest's verdict still counts.
        let _ = writeln!(stdout(), "{}", line.text);
    })?;
    if end == End::Exit(0) {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{arch} ({}): {end}", machine.cpu);
    Ok(match end {
        End::Exit(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        End::Died(_) | End::TimedOut(_) => ExitCode::from(124),
    })
}
