//! The kept firmware tables are what QEMU gives.

use crate::{
    fixtures::{self, specimens::SPECIMENS},
    report::{Case, Suite, Verdict},
};
use anyhow::Result;
use std::fs;

/// Asks QEMU for each file again. Another QEMU than the one that made them may differ.
pub fn run() -> Result<Suite> {
    let mut suite = Suite::new("firmware tables", None, None);
    let mut blind = 0;
    for specimen in &SPECIMENS {
        for (name, made) in fixtures::made(specimen)? {
            let kept = fs::read(fixtures::dir().join(&name)).unwrap_or_default();
            let verdict = match fixtures::compare(&kept, &made) {
                Ok(()) => Verdict::Passed,
                Err(why) if fixtures::is_other_qemu(specimen.arch) => {
                    Verdict::Skipped(format!("another QEMU than made it: {why}"))
                }
                Err(why) => Verdict::Failed(format!("{why} (`cargo xtask fixtures`)")),
            };
            let name = format!("{name} is what QEMU gives");
            suite.add(Case { name, verdict });
            blind += usize::from(fixtures::compare(&changed(&kept), &made).is_ok());
        }
    }
    let why = format!("of {blind} files it is not");
    let name = "a changed bit of any of them is told";
    suite.add(Case::check(name, blind == 0, why));
    let kept = fs::read_to_string(fixtures::dir().join("README.md")).unwrap_or_default();
    let why = "it is not: `cargo xtask fixtures`";
    let same = kept == fixtures::readme();
    suite.add(Case::check("the README is of these machines", same, why));
    Ok(suite)
}

/// The negative control: the same with one bit of its last byte changed.
fn changed(kept: &[u8]) -> Vec<u8> {
    let mut changed = kept.to_vec();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    changed
}
