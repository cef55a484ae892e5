//! What the library says of firmware's tables, and what ACPICA's disassembler and a booted Linux
//! make of the same bytes. Skipped where their packages cannot be had.

use crate::{
    arch::Arch,
    fixtures::{self, specimens::SPECIMENS},
    report::{Case, Suite, Verdict},
    witness::{
        contradictions, decoded, iasl::Iasl, linux::Linux, made, ours, sysfs::Testimony, vary,
    },
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
        Ok(system) => by_linux(&system, &mut linux)?,
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
    tables.push(("a made NFIT".to_owned(), Ok(made::nfit())));
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

fn by_linux(linux: &Linux, suite: &mut Suite) -> Result<()> {
    suite.note(format!("Linux {}", linux.release()));
    let mut machines = Vec::new();
    for specimen in SPECIMENS.iter().filter(|it| it.arch == Arch::X86_64) {
        let mut tables = Vec::new();
        for &signature in specimen.tables {
            let name = specimen.file(signature);
            let table = fs::read(fixtures::dir().join(&name)).unwrap_or_default();
            tables.push((name, signature, table));
        }
        machines.push((specimen.argv(), tables));
    }
    let folder = tempfile::tempdir()?;
    let tables = vec![("a made NFIT".to_owned(), "NFIT", made::nfit())];
    machines.push((made::argv(folder.path())?, tables));
    // Two at a time: a boot is some seconds of work for one CPU.
    for pair in machines.chunks(2) {
        let heard: Vec<_> = thread::scope(|scope| {
            let boot = |argv: &Vec<String>| linux.hear(argv.clone());
            let boots: Vec<_> = pair
                .iter()
                .map(|(argv, _)| scope.spawn(move || boot(argv)))
                .collect();
            let ends = boots.into_iter().map(|boot| boot.join());
            ends.map(|end| end.unwrap_or_else(|_| Err(anyhow!("the boot panicked"))))
                .collect()
        });
        for ((_, tables), heard) in pair.iter().zip(heard) {
            let heard = heard.map_err(|error| format!("{error:#}"));
            for (name, signature, table) in tables {
                let said = heard.as_ref().map_err(|error| anyhow!("{error}"));
                let result = said.and_then(|said| same_by_linux(signature, table, said));
                add(suite, format!("{name}: Linux makes the same of it"), result);
            }
        }
    }
    Ok(())
}

/// How a table is read: by the library, which may look up others, and by Linux.
type Readers = (
    fn(&[u8], &Testimony) -> Result<Value>,
    fn(&Testimony) -> Result<Value>,
);

fn readers(signature: &str) -> Option<Readers> {
    Some(match signature {
        "NFIT" => (
            |nfit, said| ours::platform(nfit, said.table("SRAT").as_deref()),
            Testimony::nfit,
        ),
        "CEDT" => (|cedt, _| ours::windows(cedt), Testimony::cedt),
        "SRAT" => (|srat, _| ours::statement(srat), Testimony::srat),
        _ => return None,
    })
}

/// A table that Linux must find as it is, and make the same of, and a changed one, of which it must
/// not.
fn same_by_linux(signature: &str, table: &[u8], said: &Testimony) -> Result<()> {
    let seen = said.table(signature);
    let seen = seen.with_context(|| format!("Linux finds no {signature}"))?;
    if let Err(why) = fixtures::compare(table, &seen) {
        let other = fixtures::is_other_qemu(Arch::X86_64);
        ensure!(other, "Linux finds another table: {why}");
    }
    let (by_us, by_linux) = readers(signature).context("nobody reads it")?;
    let witness = by_linux(said)?;
    agree(&by_us(&seen, said)?, &witness)?;
    let changed = change(signature, &seen)?;
    let blind = by_us(&changed, said).is_ok_and(|ours| agree(&ours, &witness).is_ok());
    ensure!(!blind, "a changed table is not told");
    Ok(())
}

/// The negative control: another length of the first range or the last window, or another domain of
/// the last memory.
fn change(signature: &str, table: &[u8]) -> Result<Vec<u8>> {
    const WINDOW: usize = 44; // with two targets
    const MEMORY: usize = 40;
    let (at, bit) = match signature {
        "NFIT" => (40 + 40 + 2, 0x10),
        "CEDT" => (table.len().saturating_sub(WINDOW) + 16 + 3, 0x10),
        _ => (table.len().saturating_sub(MEMORY) + 2, 1),
    };
    let mut changed = table.to_vec();
    *changed.get_mut(at).context("the table is too short")? ^= bit;
    fixtures::tables::seal(&mut changed);
    Ok(changed)
}
