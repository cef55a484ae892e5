//! Where things are.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The root of the repository.
pub fn root() -> &'static Path {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    // qemu/harness is two levels down; the fallback is never needed, and harmless.
    harness.ancestors().nth(2).unwrap_or(harness)
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        // Cargo takes a relative one from where it was started.
        Some(dir) => env::current_dir().unwrap_or_default().join(dir),
        None => root().join("target"),
    }
}

/// The directory of our reports.
pub fn reports() -> PathBuf {
    target().join("xtask")
}
