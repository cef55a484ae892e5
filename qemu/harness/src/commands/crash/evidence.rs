//! `cargo xtask crash --linux` without a program: all that is documented of Debian's packages is
//! tried again.

use super::{Args, given::none_of};
use crate::{
    arch::Arch,
    caller,
    linux::evidence::{self, Seen, Shown, Wrong},
    report::write_json,
    setup,
    tools::Need,
};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::{
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

/// `target/xtask/crash-linux.json`.
#[derive(Serialize)]
struct Report<'a> {
    /// Each row is as documented.
    good: bool,
    /// How long all of it took.
    seconds: f64,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    arch: &'static str,
    command: &'a str,
    documented: Wrong,
    #[serde(flatten)]
    seen: Option<&'a Seen>,
    fault: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(
        !caller::is_tool(),
        "say which program to run: -- PROGRAM ARGS"
    );
    let what = "no program: say which one to run behind --";
    none_of(&args.of_guest(), what)?;
    none_of(&args.of_images(), what)?;
    none_of(&args.of_platform(), what)?;
    let arches = match &args.arch[..] {
        [] => Arch::ALL.to_vec(),
        some => Arch::ALL
            .into_iter()
            .filter(|it| some.contains(it))
            .collect(),
    };
    let needs = arches.iter().copied().map(Need::Qemu);
    setup::ensure_these(&needs.collect::<Vec<_>>())?;
    println!(
        "No program is named: what is documented of Debian's packages is tried again, a quarter of \
         an hour on two CPUs."
    );
    let start = Instant::now();
    let done = AtomicUsize::new(0);
    let shown = evidence::run(&arches, |row| {
        let number = done.fetch_add(1, Ordering::Relaxed) + 1;
        let how = row.fault().unwrap_or("as documented".to_owned());
        eprintln!("{number}: {}: {how}", row.command);
    });
    let seconds = start.elapsed().as_secs_f64();
    println!("\n{}", table(&shown));
    let faults = shown.iter().filter(|row| row.fault().is_some()).count();
    let report = Report {
        good: faults == 0,
        seconds,
        rows: shown.iter().map(Row::of).collect(),
    };
    write_json("crash-linux", &report).context("cannot keep the report")?;
    let all = shown.len();
    if faults > 0 {
        println!("FAILED: {faults} of {all} are not as documented, in {seconds:.0} s.");
        return Ok(ExitCode::FAILURE);
    }
    println!("All {all} are as documented, in {seconds:.0} s.");
    Ok(ExitCode::SUCCESS)
}

impl<'a> Row<'a> {
    fn of(shown: &'a Shown) -> Self {
        Self {
            arch: shown.arch.name(),
            command: &shown.command,
            documented: shown.documented,
            seen: shown.seen.as_ref().ok(),
            fault: shown.fault(),
        }
    }
}

/// The table as a person reads it.
fn table(shown: &[Shown]) -> String {
    let width = shown.iter().map(|it| it.command.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:width$}  {:>12}  {:>12}  {:>6}  {:>5}  wrong\n",
        "cargo xtask", "wrong claims", "wrong images", "of all", "s"
    );
    for row in shown {
        let counts = match &row.seen {
            Ok(seen) => format!(
                "{:12}  {:12}  {:6}  {:5.0}",
                seen.wrong_claims, seen.wrong_images, seen.images, seen.seconds
            ),
            Err(_) => format!("{:>12}  {:>12}  {:>6}  {:>5}", "-", "-", "-", "-"),
        };
        let how = match row.fault() {
            None => format!("{}, as documented", row.documented.name()),
            Some(fault) => format!("NOT AS DOCUMENTED: {fault}"),
        };
        text += &format!("{:width$}  {counts}  {how}\n", row.command);
    }
    text
}
