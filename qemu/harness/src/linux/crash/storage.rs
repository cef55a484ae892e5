//! What Linux itself makes durable: files of ext4 with DAX, and blocks of `/dev/pmem0`.

use super::{Trial, compile, outside};
use crate::{
    arch::Arch,
    linux::{files::Given, guest::Spec, nvdimm::Nvdimm},
};
use anyhow::{Result, bail, ensure};

/// Files, by fsync or mapped with MAP_SYNC: `files|append|mapped RECORDS [careless]`. Each crash
/// image is mounted, and the program looks for what it has claimed.
pub fn ext4(arch: Arch, words: &[&str]) -> Result<Trial> {
    let (mode, records) = checked("ext4", words, &["files", "append", "mapped"], &CARELESS)?;
    ensure!(
        arch != Arch::Riscv64 || mode != "mapped",
        "no user program can flush on riscv64: its kernel makes cbo.clean an illegal instruction"
    );
    let program = compile::alone(arch, "ext4", "ext4.c")?;
    let mut command = vec![program.display().to_string()];
    command.push("/pmem".to_owned());
    command.extend(words.iter().map(|word| (*word).to_owned()));
    let spec = Spec {
        command,
        ..Spec::new(arch, Nvdimm::Ext4)
    };
    let trial = Trial::new(spec, &format!("ext4-{}", words.join("-")));
    let check = format!("/files/ext4 /pmem {mode} {records} check");
    outside::with_recovery(trial, &check)
}

/// Blocks, past the page cache or through it: `direct|buffered BLOCKS [careless]`.
pub fn block(arch: Arch, words: &[&str]) -> Result<Trial> {
    checked("pmem-block", words, &["direct", "buffered"], &CARELESS)?;
    blocks(
        arch,
        &[&words.join(" ")],
        &format!("pmem-block-{}", words.join("-")),
    )
}

/// Several, one after the other in one guest: the first is workload 1.
pub fn blocks(arch: Arch, each: &[&str], name: &str) -> Result<Trial> {
    let mut script = "true".to_owned();
    for (number, words) in (1..).zip(each) {
        script += &format!(" && WORKLOAD={number} /files/block /dev/pmem0 {words}");
    }
    let spec = Spec {
        size: 16 << 20,
        files: vec![Given {
            host: compile::alone(arch, "block", "block.c")?,
            guest: "/files/block".to_owned(),
        }],
        command: ["sh", "-c", &script].map(str::to_owned).to_vec(),
        ..Spec::new(arch, Nvdimm::Plain)
    };
    Ok(Trial::new(spec, name))
}

/// The word for a program that leaves out what would make its work durable.
pub(super) const CARELESS: [&str; 1] = ["careless"];

/// What these words begin with, which are one of `first`, a number, and nothing or one of `extras`.
pub(super) fn checked<'w>(
    workload: &str,
    words: &[&'w str],
    first: &[&str],
    extras: &[&str],
) -> Result<(&'w str, &'w str)> {
    if let [one, count, rest @ ..] = words
        && first.contains(one)
        && count
            .parse()
            .is_ok_and(|count: u32| (1..=64).contains(&count))
        && (rest.is_empty() || rest.len() == 1 && extras.contains(&rest[0]))
    {
        return Ok((one, count));
    }
    bail!(
        "the workload {workload} takes: -- {} NUMBER [{}], with a number from 1 to 64",
        first.join("|"),
        extras.join("|")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_and_how_many() {
        let of = |words: &str| {
            let words: Vec<_> = words.split(' ').collect();
            checked("ext4", &words, &["files", "mapped"], &CARELESS)
                .map(|(first, count)| format!("{first} {count}"))
        };
        assert_eq!(of("files 1").unwrap(), "files 1");
        assert_eq!(of("mapped 64 careless").unwrap(), "mapped 64");
        for wrong in [
            "",
            "files",
            "file 1",
            "files 0",
            "files 65",
            "files 1 x",
            "files 1 careless x",
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.contains("files|mapped NUMBER"), "{wrong}: {error}");
        }
    }
}
