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
    /// Which kernel.
    #[arg(long, value_enum, default_value_t = Example::Unikernel)]
    example: Example,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Example {
    /// On kpmem's own boot code.
    Unikernel,
    /// On the platform crates of ArceOS: x86_64 with an NVDIMM.
    Arceos,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Args {
        arch,
        device,
        example,
    } = *args;
    if !Device::of(arch).contains(&device) {
        let devices = Device::of(arch).iter().map(|device| device.name());
        let devices = devices.collect::<Vec<_>>().join(", ");
        let name = device.name();
        bail!("QEMU's machine for {arch} has no {name}; it has {devices}");
    }
    if example == Example::Arceos && (arch, device) != (Arch::X86_64, Device::Nvdimm) {
        bail!("the example on ArceOS is for x86_64 with an NVDIMM");
    }
    setup::ensure()?;
    let kernel = match example {
        Example::Unikernel => unikernel::build(arch)?,
        Example::Arceos => unikernel::build_arceos()?.map_err(anyhow::Error::msg)?,
    };
    // ArceOS's kernel counts until its power is cut, and has no parameters.
    let whole = |numbers| (example == Example::Arceos).then_some(numbers);
    let image = device.image()?;
    let trial = Trial {
        kernel: &kernel,
        machine: device.machine(arch),
        device,
        loud: true,
    };
    println!("{}\nThe first boot:", kernel.display());
    let first = trial.boot(&image, "note=hello", whole(5))?;
    println!("The second boot, until its power is cut (SIGKILL to QEMU) behind seven numbers:");
    let second = trial.boot(&image, "ticks=1000000", Some(7))?;
    println!("The third boot:");
    let third = trial.boot(&image, "", whole(5))?;
    let known = second.follows(&first).and_then(|()| third.follows(&second));
    known.map_err(anyhow::Error::msg).context("FAILED")?;
    println!("Each boot knew what the ones before it had acknowledged.");
    Ok(ExitCode::SUCCESS)
}
