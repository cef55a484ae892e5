//! The simulator itself, which QEMU loads.

use crate::toolchain::{self, Toolchain};
use anyhow::Result;
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// Builds the plugin, the first time, and returns where it is.
pub fn build() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(plugin) = &*built {
        return Ok(plugin.clone());
    }
    let mut build = Toolchain::active()?.cargo("build");
    build.args(["--release", "--package", "kpmem-plugin"]);
    let plugin = toolchain::library(build, "kpmem_plugin")?;
    Ok(built.insert(plugin).clone())
}
