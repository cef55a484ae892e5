//! By which command the harness was called: the command lines that it prints begin with it.

use std::sync::atomic::{AtomicBool, Ordering};

static TOOL: AtomicBool = AtomicBool::new(false);

/// From now on by `kpmem-crash`, no longer by `cargo xtask`.
pub fn is_the_tool() {
    TOOL.store(true, Ordering::Relaxed);
}

/// Whether it was `kpmem-crash`.
pub fn is_tool() -> bool {
    TOOL.load(Ordering::Relaxed)
}

fn either(xtask: &'static str, tool: &'static str) -> &'static str {
    if is_tool() { tool } else { xtask }
}

/// What judges functions.
pub fn judge() -> &'static str {
    either("cargo xtask judge", "kpmem-crash judge")
}

/// What shows a failure again, by its name.
pub fn replay() -> &'static str {
    either("cargo xtask crash --replay", "kpmem-crash replay")
}

/// What simulates, up to the options.
pub fn crash() -> &'static str {
    either("cargo xtask crash", "kpmem-crash")
}

/// The word of a command line behind which these options are.
pub fn before_options() -> &'static str {
    either("crash", "kpmem-crash")
}
