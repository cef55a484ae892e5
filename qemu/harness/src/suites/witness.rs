//! What the library says of firmware's tables, and what ACPICA's disassembler and a booted Linux
//! make of the same bytes. Skipped where their packages cannot be had.

use crate::{
    arch::Arch,
    fixtures::{
        self,
        specimens::{SPECIMENS, Specimen},
    },
    report::{Case, Suite, Verdict},
    witness::{contradictions, decoded, iasl::Iasl, linux::Linux, ours, sysfs::Testimony, vary},
};
use anyhow::{Context, Result, anyhow, ensure};
use fastrand::Rng;
use serde_json::Value;
use std::{fs, thread};

/// How many tables with random contents are made of each.
const VARIANTS: u64 = 4;

/// Samples that ACPICA comes with and can compile.
const TEMPLATES: [&str; 3] = ["NFIT", "CEDT", "SRAT"];

/// Hears both witnesses.
pub fn run() -> Result<Vec<Suite>> {
    let mut acpica = Suite::new("firmware tables, as ACPICA reads them", None, None);
    match Iasl::get() {
        Ok(iasl) => by_acpica(&iasl, &mut acpica),
        Err(error) => skip(&mut acpica, &error),
    }
    let mut linux = Suite::new(
        "firmware tables, as Linux reads them",
        Some(Arch::X86_64),
        None,
    );
    match Linux::get() {
        Ok(system) => by_linux(&system, &mut linux),
        Err(error) => skip(&mut linux, &error),
    }
    Ok(vec![acpica, linux])
}

fn skip(suite: &mut Suite, error: &anyhow::Error) {
    suite.add(Case {
        name: "the witness".to_owned(),
        verdict: Verdict::Skipped(format!("it cannot be had: {error:#}")),
    });
}

fn add(suite: &mut Suite, name: impl Into<String>, result: Result<()>) {
    let result = result.map_err(|error| format!("{error:#}"));
    suite.add(Case::from_result(name, result));
}

/// An error that tells all contradictions.
fn agree(ours: &Value, witness: &Value) -> Result<()> {
    let found = contradictions(ours, witness);
    ensure!(found.is_empty(), "{}", found.join("; "));
    Ok(())
}

fn by_acpica(iasl: &Iasl, suite: &mut Suite) {
    let mut tables = Vec::new();
    for specimen in &SPECIMENS {
        for signature in specimen.tables {
            let name = specimen.file(signature);
            let table = fs::read(fixtures::dir().join(&name));
            tables.push((name, table.map_err(anyhow::Error::from)));
        }
    }
    for signature in TEMPLATES {
        let name = format!("ACPICA's sample {signature}");
        tables.push((name, iasl.template(signature)));
    }
    let mut fields = 0;
    for (name, table) in tables {
        let result = table.and_then(|table| same_by_acpica(iasl, &table));
        add(
            suite,
            format!("{name}: field by field"),
            result.map(|changed| fields += changed),
        );
    }
    let why = "no field was changed";
    suite.add(Case::check(
        format!("each of {fields} changed fields is told"),
        fields > 0,
        why,
    ));
}

/// A table, and variants of it; returns how many changed fields were told.
fn same_by_acpica(iasl: &Iasl, table: &[u8]) -> Result<usize> {
    let text = iasl.disassemble(table)?;
    let witness = decoded::statement(&text)?;
    all_agree(table, &witness)?;
    for seed in 0..VARIANTS {
        let varied = vary::random(table, &text, &mut Rng::with_seed(seed));
        let witness = decoded::statement(&iasl.disassemble(&varied)?)?;
        all_agree(&varied, &witness).with_context(|| format!("with random contents {seed}"))?;
    }
    let mut told = 0;
    for (field, changed) in vary::each_changed(table, &text) {
        // A table that makes no sense any more is told as well.
        let blind = ours::statement(&changed).is_ok_and(|ours| ours == witness);
        ensure!(!blind, "a change of {field:?} is not told");
        told += 1;
    }
    Ok(told)
}

fn all_agree(table: &[u8], witness: &Value) -> Result<()> {
    let ours = ours::statement(table)?;
    agree(&ours, witness)?;
    ensure!(
        ours == *witness,
        "the library says more than the witness: {ours} and {witness}"
    );
    Ok(())
}

fn by_linux(linux: &Linux, suite: &mut Suite) {
    suite.note(format!("Linux {}", linux.release()));
    let machines: Vec<_> = SPECIMENS
        .iter()
        .filter(|specimen| specimen.arch == Arch::X86_64)
        .collect();
    // Two at a time: a boot is some seconds of work for one CPU, and for most of two.
    for pair in machines.chunks(2) {
        let heard = thread::scope(|scope| {
            let boots: Vec<_> = pair
                .iter()
                .map(|machine| scope.spawn(|| linux.hear(machine)))
                .collect();
            let joined = boots.into_iter().map(|boot| boot.join());
            joined
                .map(|heard| heard.unwrap_or_else(|_| Err(anyhow!("the boot panicked"))))
                .collect::<Vec<_>>()
        });
        for (machine, heard) in pair.iter().zip(heard) {
            match heard {
                Ok(said) => same_by_linux(machine, &said, suite),
                Err(error) => add(suite, format!("{} boots", machine.name), Err(error)),
            }
        }
    }
}

/// How a table is read: by the library, and by Linux.
type Readers = (fn(&[u8]) -> Result<Value>, fn(&Testimony) -> Result<Value>);

fn readers(signature: &str) -> Option<Readers> {
    Some(match signature {
        "NFIT" => (ours::platform, Testimony::nfit),
        "CEDT" => (ours::windows, Testimony::cedt),
        "SRAT" => (ours::statement, Testimony::srat),
        _ => return None,
    })
}

fn same_by_linux(machine: &Specimen, said: &Testimony, suite: &mut Suite) {
    for &signature in machine.tables {
        let name = machine.file(signature);
        let kept = fs::read(fixtures::dir().join(&name)).unwrap_or_default();
        let seen = said.table(signature);
        let Some((seen, (by_us, by_linux))) = seen.zip(readers(signature)) else {
            add(suite, name, Err(anyhow!("Linux sees no {signature}")));
            continue;
        };
        let same = fixtures::compare(&kept, &seen).map_err(|why| anyhow!("{why}"));
        if same.is_ok() || !fixtures::is_other_qemu(machine) {
            add(suite, format!("{name} is what Linux finds in memory"), same);
        }
        let witness = by_linux(said);
        let result = witness.and_then(|witness| {
            agree(&by_us(&seen)?, &witness)?;
            let changed = change(signature, &seen)?;
            let blind = by_us(&changed).is_ok_and(|ours| agree(&ours, &witness).is_ok());
            ensure!(!blind, "a changed table is not told");
            Ok(())
        });
        add(suite, format!("{name}: Linux makes the same of it"), result);
    }
}

/// The negative control: a table that says something else.
fn change(signature: &str, table: &[u8]) -> Result<Vec<u8>> {
    // The serial number of the first device, the length of the last window, the length of the first
    // memory in use.
    let at = match signature {
        "NFIT" => 40 + 56 + 48 + 24,
        "CEDT" => table.len() - 44 + 18,
        _ => 48 + 16 + 16 + 2,
    };
    let mut changed = table.to_vec();
    *changed.get_mut(at).context("the table is too short")? ^= 1;
    fixtures::tables::seal(&mut changed);
    Ok(changed)
}
