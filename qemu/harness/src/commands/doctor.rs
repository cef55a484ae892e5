//! `cargo xtask doctor`.

use crate::tools::Need;
use anyhow::Result;
use std::process::ExitCode;

pub(super) fn run() -> Result<ExitCode> {
    let mut missing = 0;
    for need in Need::all() {
        let (mark, text) = match need.find() {
            Ok(found) => ("ok", found),
            Err(wrong) => {
                missing += 1;
                ("MISSING", wrong)
            }
        };
        println!("{mark:8} {:38} {text}", need.to_string());
    }
    for need in Need::OPTIONAL {
        let (mark, text) = match need.find() {
            Ok(found) => ("ok", found),
            Err(wrong) => ("optional", wrong),
        };
        println!("{mark:8} {:38} {text}", need.to_string());
    }
    if missing == 0 {
        println!("everything is there: `cargo xtask demo` and `cargo xtask test` can run");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{missing} missing: `cargo xtask setup` installs it");
    Ok(ExitCode::FAILURE)
}
