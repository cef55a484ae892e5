//! `cargo xtask unikernel`: boots the example, and boots it again on what is left.

use crate::{
    arch::Arch,
    setup,
    unikernel::{self, Device, Trial},
};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Instruction set.
    #[arg(long, default_value_t = Arch::X86_64)]
    arch: Arch,
    /// What its persistent memory is.
    #[arg(long, value_enum, default_value_t = Device::Nvdimm)]
    device: Device,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Args { arch, device } = *args;
    if !Device::of(arch).contains(&device) {
        let devices = Device::of(arch).iter().map(|device| device.name());
        let devices = devices.collect::<Vec<_>>().join(", ");
        let name = device.name();
        bail!("QEMU's machine for {arch} has no {name}; it has {devices}");
    }
    setup::ensure()?;
    let kernel = unikernel::build(arch)?;
    let image = device.image()?;
    let trial = Trial {
        kernel: &kernel,
        machine: device.machine(arch),
        device,
        loud: true,
    };
    println!("{}\nThe first boot, to its end:", kernel.display());
    let first = trial.boot(&image, "note=hello", None)?;
    println!("The second boot, until its power is cut (SIGKILL to QEMU) behind number 12:");
    let second = trial.boot(&image, "ticks=1000000", Some(7))?;
    println!("The third boot, to its end:");
    let third = trial.boot(&image, "", None)?;
    let known = second.follows(&first).and_then(|()| third.follows(&second));
    known.map_err(anyhow::Error::msg).context("FAILED")?;
    println!("Each boot knew what the ones before it had acknowledged.");
    Ok(ExitCode::SUCCESS)
}
