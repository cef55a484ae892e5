//! The simulator itself, which QEMU loads.

use super::kept::Kept;
use crate::{
    toolchain::{self, Toolchain},
    workspace,
};
use anyhow::{Context, Result};
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// Builds the plugin, the first time, and returns where it is. Of sources that never change it is
/// built once in all.
pub fn build() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(plugin) = &*built {
        return Ok(plugin.clone());
    }
    let plugin = match workspace::unchanging() {
        None => compile()?,
        Some(root) => of(&Kept::of(root, "kpmem_plugin"), compile)?,
    };
    Ok(built.insert(plugin).clone())
}

/// What is kept, or what is compiled and kept from now on.
fn of(kept: &Kept, compile: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    if let Some(plugin) = kept.find() {
        return Ok(plugin);
    }
    let plugin = compile().context("cannot build the simulator's plugin")?;
    // In a folder that cannot be written to, cargo is asked each time.
    Ok(kept.keep(&plugin).unwrap_or_else(|error| {
        eprintln!("the simulator's plugin is built each time: {error:#}");
        plugin
    }))
}

fn compile() -> Result<PathBuf> {
    let mut build = Toolchain::active()?.cargo("build");
    build.args(["--release", "--package", "kpmem-plugin"]);
    toolchain::library(build, "kpmem_plugin")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::fs;

    #[test]
    fn it_is_compiled_once_and_again_if_it_is_damaged() {
        let root = tempfile::tempdir().unwrap();
        let made = root.path().join("made.so");
        fs::write(&made, "a plugin").unwrap();
        let kept = Kept::of(root.path(), "a");
        let no_compiler = || bail!("no compiler");
        assert!(of(&kept, no_compiler).is_err());
        let first = of(&kept, || Ok(made.clone())).unwrap();
        assert_ne!(first, made);
        assert_eq!(of(&kept, no_compiler).unwrap(), first);
        fs::write(&first, "a plu").unwrap();
        assert!(of(&kept, no_compiler).is_err());
        assert_eq!(of(&kept, || Ok(made.clone())).unwrap(), first);
        assert_eq!(of(&kept, no_compiler).unwrap(), first);
    }

    #[test]
    fn where_nothing_can_be_kept_it_is_taken_from_cargo() {
        let root = tempfile::tempdir().unwrap();
        let made = root.path().join("made.so");
        fs::write(&made, "a plugin").unwrap();
        fs::write(root.path().join("built"), "no folder").unwrap();
        let kept = Kept::of(root.path(), "a");
        assert_eq!(of(&kept, || Ok(made.clone())).unwrap(), made);
    }
}
