//! What cargo knows of the workspace.

use crate::{process, publish, toolchain::Toolchain, workspace};
use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::path::Path;

/// The packages of the workspace.
pub(super) fn all() -> Result<Vec<Package>> {
    Ok(of(&workspace::root().join("Cargo.toml"), &["--no-deps"])?.packages)
}

/// The libraries that go to the registry; what is a part of kpmem-crash is looked at by itself.
pub(super) fn published() -> Result<Vec<Package>> {
    let mut all = all()?;
    all.retain(|package| !publish::PACKAGES.contains(&package.name.as_str()));
    // `publish = false` is an empty list of registries.
    let to_publish = |package: &Package| package.publish.as_ref().is_none_or(|it| !it.is_empty());
    let published: Vec<_> = all.into_iter().filter(to_publish).collect();
    if published.is_empty() {
        bail!("no package of the workspace is to be published");
    }
    Ok(published)
}

/// `cargo metadata` of a workspace.
pub(super) fn of(manifest: &Path, arguments: &[&str]) -> Result<Metadata> {
    let mut command = Toolchain::active()?.cargo("metadata");
    command
        .args(["--format-version", "1", "--all-features"])
        .arg("--manifest-path")
        .arg(manifest)
        .args(arguments);
    let text = process::stdout_of(&mut command)?;
    MetadataCommand::parse(text).context("cannot read cargo metadata")
}
