//! What rustdoc knows of a package, as JSON.
//!
//! Its format changes with the compiler. Where the one in use writes another than the reader of
//! this workspace's lock file knows, there is nothing to be read, which is said.

use crate::{arch::Arch, process, toolchain::Toolchain, workspace};
use anyhow::{Context, Result};
use rustdoc_types::{Crate, FORMAT_VERSION};
use serde::Deserialize;
use std::{fs, path::PathBuf};

/// A package's documentation for a bare target.
pub(super) struct Docs {
    /// The file.
    pub(super) path: PathBuf,
    /// What it says.
    pub(super) krate: Crate,
}

/// The documentation of a package with all features; `Err` says why it cannot be read.
pub(super) fn of(package: &str, arch: Arch) -> Result<Result<Docs, String>> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    // Other compilers' files and this one's, with its unstable option, are kept apart.
    let directory = workspace::reports().join("rustdoc");
    let mut command = Toolchain::require(arch)?.cargo_for(arch, "rustdoc");
    command
        .args(["--quiet", "--lib", "--all-features", "--package", package])
        .args(["--", "-Zunstable-options", "--output-format", "json"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", &directory);
    process::stdout_of(&mut command)?;
    let name = format!("{}.json", package.replace('-', "_"));
    let path = directory.join(arch.target()).join("doc").join(name);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("rustdoc has not written {}", path.display()))?;
    let Version { format_version } = serde_json::from_str(&text)?;
    if format_version != FORMAT_VERSION {
        return Ok(Err(format!(
            "this compiler's rustdoc writes JSON of format {format_version}, and {FORMAT_VERSION} \
             can be read"
        )));
    }
    let krate = serde_json::from_str(&text).context("cannot read rustdoc's JSON")?;
    Ok(Ok(Docs { path, krate }))
}
