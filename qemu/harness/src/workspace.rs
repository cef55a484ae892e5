//! Where things are.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Where the repository's sources are, if not where the harness was compiled.
static ELSEWHERE: OnceLock<PathBuf> = OnceLock::new();

/// Has the sources taken from this folder, where they never change. The first call counts.
pub fn settle(root: PathBuf) {
    ELSEWHERE.get_or_init(|| root);
}

/// The root of the repository, if its sources never change: what was built of them stays good.
pub fn unchanging() -> Option<&'static Path> {
    ELSEWHERE.get().map(PathBuf::as_path)
}

/// The root of the repository.
pub fn root() -> &'static Path {
    if let Some(root) = ELSEWHERE.get() {
        return root;
    }
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
