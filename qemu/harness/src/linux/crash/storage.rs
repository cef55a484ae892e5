//! What Linux itself makes durable: files of ext4 with DAX, and blocks of `/dev/pmem0`.

use super::{Trial, compile, outside};
use crate::{
    arch::Arch,
    linux::{files::Given, guest::Spec, nvdimm::Nvdimm},
};
use anyhow::{Result, ensure};

/// Files, by fsync or mapped with MAP_SYNC: `files|append|mapped RECORDS [careless]`. Each crash
/// image is mounted, and the program looks for what it has claimed.
pub fn ext4(arch: Arch, words: &[&str]) -> Result<Trial> {
    let [mode, records, rest @ ..] = words else {
        anyhow::bail!("the workload ext4 takes: -- files|append|mapped RECORDS [careless]");
    };
    ensure!(
        arch != Arch::Riscv64 || *mode != "mapped",
        "no user program can flush on riscv64: its kernel makes cbo.clean an illegal instruction"
    );
    let program = compile::alone(arch, "ext4", "ext4.c")?;
    let mut command = vec![program.display().to_string()];
    command.extend(["/pmem", mode, records].map(str::to_owned));
    command.extend(rest.iter().map(|word| (*word).to_owned()));
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
