//! Kernels that misbehave: the harness must report each, or it would not see such a thing in a
//! suite.

use super::bare::hear;
use crate::{
    arch::Arch,
    machine::Machine,
    report::{Case, Suite},
};
use anyhow::Result;
use std::{path::Path, time::Duration};

/// How long a misdeed takes; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(30);

/// What the kernel does, how the report must read, and how long we wait.
const CONTROLS: [(&str, &str, Duration); 12] = [
    ("hang", "the guest hangs", Duration::from_secs(3)),
    ("trap", "the guest crashed: TRAP", LIMIT),
    ("fault", "the guest crashed: TRAP", LIMIT),
    ("overflow", "the guest crashed: TRAP", LIMIT),
    ("panic", "the guest crashed: PANIC", LIMIT),
    ("trap cpu=1", "the guest crashed: TRAP", LIMIT),
    ("fault cpu=1", "the guest crashed: TRAP", LIMIT),
    ("overflow cpu=1", "the guest crashed: TRAP", LIMIT),
    ("panic cpu=1", "the guest crashed: PANIC", LIMIT),
    ("silent", "the closing line is missing", LIMIT),
    ("miscount", "the guest counted", LIMIT),
    ("garble", "a garbled line", LIMIT),
];

/// Boots all of them on one machine.
pub fn run(arch: Arch, kernel: &Path) -> Result<Suite> {
    let mut suite = Suite::new("negative controls", Some(arch), None);
    for (mode, expected, limit) in CONTROLS {
        let machine = Machine::new(arch).with_smp(2);
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
