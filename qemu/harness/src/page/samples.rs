//! Failures that the plugin really reported, each from a run with a seeded bug.

use super::Context;
use crate::arch::Arch;
use kpmem_findings::{Failure, Line};

/// Report, instruction set, workload, profile, bytes of a line, seeded bug.
type Sample = (
    &'static str,
    Arch,
    &'static str,
    &'static str,
    usize,
    &'static str,
);

const SAMPLES: [Sample; 6] = [
    (
        include_str!("samples/recovery-x86_64.jsonl"),
        Arch::X86_64,
        "log",
        "px86",
        64,
        "payload-fence-missing",
    ),
    (
        include_str!("samples/recovery-aarch64.jsonl"),
        Arch::Aarch64,
        "log",
        "arm",
        64,
        "commit-of-16-bytes",
    ),
    (
        include_str!("samples/recovery-riscv64-16.jsonl"),
        Arch::Riscv64,
        "log",
        "riscv",
        16,
        "payload-fence-missing",
    ),
    (
        include_str!("samples/recovery-riscv64-256.jsonl"),
        Arch::Riscv64,
        "log",
        "riscv",
        256,
        "payload-fence-missing",
    ),
    (
        include_str!("samples/contract-riscv64-32.jsonl"),
        Arch::Riscv64,
        "contract",
        "riscv",
        32,
        "fence-w-w",
    ),
    (
        include_str!("samples/contract-x86_64.jsonl"),
        Arch::X86_64,
        "contract",
        "px86",
        64,
        "last-line-skipped",
    ),
];

/// All of them. Their kernels are gone, so they have addresses instead of functions.
pub fn all() -> Vec<(Failure, Context)> {
    SAMPLES.into_iter().map(read).collect()
}

fn read((report, arch, workload, profile, line, mutant): Sample) -> (Failure, Context) {
    let lines = kpmem_findings::parse(report).expect("a sample is what the plugin wrote");
    let failure = lines.into_iter().find_map(|line| match line {
        Line::Failure(failure) => Some(failure),
        _ => None,
    });
    let failure = failure.expect("a sample is a failure");
    let context = Context {
        arch,
        workload: workload.to_owned(),
        profile: profile.to_owned(),
        line,
        seed: 1,
        mutant: Some(mutant.to_owned()),
        replay: format!(
            "cargo xtask crash --arch {arch} --workload {workload} --profile {profile} --seed 1 --replay {}",
            failure.id
        ),
        kernel: None,
    };
    (failure, context)
}
