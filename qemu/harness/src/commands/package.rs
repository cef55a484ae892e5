//! `cargo xtask package`.

use crate::{
    publish::{self, LIBRARIES, PACKAGES},
    suites::release::tool,
    workspace,
};
use anyhow::{Result, bail};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also take sources that are not committed.
    #[arg(long)]
    allow_dirty: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let sources = publish::unpacked(&publish::write_archive()?)?;
    let uncommitted = publish::uncommitted(&sources)?;
    if !args.allow_dirty && !uncommitted.is_empty() {
        bail!(
            "not committed, and so not to be published (--allow-dirty packs it all the same): {}",
            uncommitted.join(", ")
        );
    }
    publish::package()?;
    let mut faults = Vec::new();
    for package in tool::packages()? {
        let (kib, result) = tool::look(&package, &sources)?;
        println!("{} {}: {kib} KiB", package.name, package.version);
        faults.extend(result.err());
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    println!(
        "in {}; {} have to be in the registry first, then:\n\n  cargo publish --allow-dirty{}\n",
        workspace::target().join("package").display(),
        LIBRARIES.join(" and "),
        PACKAGES.map(|name| format!(" -p {name}")).concat(),
    );
    Ok(ExitCode::SUCCESS)
}
