//! Kernels that misbehave: the harness must report each, or it would not see such a thing in a suite.

use super::bare::hear;
use crate::{
    arch::Arch,
    machine::Machine,
    report::{Case, Suite},
};
use anyhow::Result;
use std::{path::Path, time::Duration};

/// What the kernel does, how the report must read, and how long we wait.
const CONTROLS: [(&str, &str, Duration); 8] = [
    ("hang", "the guest hangs", Duration::from_secs(3)),
    ("trap", "the guest crashed: TRAP", Duration::from_secs(30)),
    ("fault", "the guest crashed: TRAP", Duration::from_secs(30)),
    (
        "overflow",
        "the guest crashed: TRAP",
        Duration::from_secs(30),
    ),
    ("panic", "the guest crashed: PANIC", Duration::from_secs(30)),
    (
        "silent",
        "the closing line is missing",
        Duration::from_secs(30),
    ),
    ("miscount", "the guest counted", Duration::from_secs(30)),
    ("garble", "a garbled line", Duration::from_secs(30)),
];

/// Boots all of them on one machine.
pub fn run(arch: Arch, kernel: &Path) -> Result<Suite> {
    let mut suite = Suite::new("negative controls", Some(arch), None);
    for (mode, expected, limit) in CONTROLS {
        let machine = Machine::new(arch);
        let (heard, end, _) = hear(&machine, kernel, &format!("mode={mode}"), limit)?;
        let result = match heard.verdict(&end) {
            Ok(()) => Err("taken for a good run".to_owned()),
            Err(why) if why.contains(expected) => Ok(()),
            Err(why) => Err(format!("reported as something else: {why}")),
        };
        suite.add(Case::from_result(
            format!("a kernel's {mode} is reported"),
            result,
        ));
    }
    Ok(suite)
}
