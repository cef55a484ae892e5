//! `cargo xtask capi`.

use crate::{
    arch::Arch,
    capi::{self, archive::Target, kernel::Variant},
    setup,
    tools::Need,
};
use anyhow::Result;
use std::{fs, path::Path, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the library for the host.
    #[arg(long)]
    host: bool,
    /// With device trees, which bring ways to the panic handler.
    #[arg(long)]
    device_tree: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut needs = vec![Need::Linker];
    needs.extend(Arch::ALL.map(Need::Core));
    needs.extend(Arch::ALL.map(Need::Objdump));
    setup::ensure_these(&needs)?;
    capi::headers()?
        .iter()
        .try_for_each(|header| print(header))?;
    for target in capi::targets() {
        if !args.host || target == Target::Host {
            let library = capi::library(target, args.device_tree)?;
            print(&library)?;
            if target == Target::Bare(Arch::Riscv64) {
                print(&capi::without_floats(&library)?)?;
            }
        }
    }
    if !args.host {
        for variant in Variant::ALL {
            if variant == Variant::Hardened
                && let Err(error) = setup::ensure_these(&[Need::Sources])
            {
                eprintln!("{error:#}; going on without the hardened library for Linux");
                continue;
            }
            print(&capi::kernel::library(variant)?)?;
        }
    }
    let hosted = capi::libpmem2::libraries()?;
    for path in [
        &hosted.archive,
        &hosted.shared,
        &capi::description()?,
        &hosted.description,
    ] {
        print(path)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(path: &Path) -> Result<()> {
    println!("{:>9} bytes  {}", fs::metadata(path)?.len(), path.display());
    Ok(())
}
