//! The seeded bugs that are simulated.

use super::{
    plan::{Cpu, Job},
    schedules::PAIRS,
};
use crate::arch::Arch;

/// Bugs that any instruction set can have, by the workload that shows them.
const MUTANTS: [(&str, &str); 27] = [
    ("last-line-skipped", "contract"),
    ("first-line-skipped", "contract"),
    ("stride-doubled", "contract"),
    ("final-fence-missing", "contract"),
    ("flush-removed", "contract"),
    ("flush-does-nothing", "contract"),
    ("eadr-assumed", "contract"),
    ("invalidated-unwritten", "contract"),
    ("invalidate-last-line-skipped", "contract"),
    ("invalidate-fence-missing", "contract"),
    ("payload-fence-missing", "log"),
    ("commit-fence-missing", "log"),
    ("commit-flush-missing", "log"),
    ("flush-before-store", "log"),
    ("tail-not-flushed", "log"),
    ("commit-of-16-bytes", "log"),
    ("undo-not-validated", "list"),
    ("tag-before-content", "tags"),
    ("undo-dropped-first", "rollback"),
    ("fence-on-other-cpu", "cpus"),
    ("copy-tail-not-flushed", "copies"),
    ("copy-source-flushed", "copies"),
    ("copy-edges-not-flushed", "copies"),
    ("copy-fence-missing", "copies"),
    ("copy-words-in-halves", "words"),
    ("zeroed-blocks-not-flushed", "copies"),
    ("hint-before-fence", "deep"),
];

/// Bugs of one instruction set, which the contract fuzz shows.
fn own_mutants(cpu: &Cpu) -> &'static [(&'static str, &'static str)] {
    match cpu.arch {
        Arch::X86_64 => &[
            ("lfence-for-sfence", "px86"),
            ("clflush-with-sfence", "amd"),
            ("clflush-for-invalidate", "amd"),
            ("cpuid-bit-wrong", "px86"),
        ],
        Arch::Aarch64 => &[
            ("dmb-ishst", "arm"),
            ("dsb-ishst", "arm"),
            ("dsb-ishld", "arm"),
            ("dsb-nsh", "arm"),
            ("cvac-for-cvap", "arm"),
            ("dropped-first", "arm"),
            ("civac-alone", "arm"),
            ("dminline-misread", "arm"),
        ],
        Arch::Riscv64 => {
            let all: &[_] = &[
                ("fence-r-r", "riscv"),
                ("fence-w-w", "riscv"),
                ("fence-i", "riscv"),
                ("cbo-inval", "riscv"),
                ("dropped-first", "riscv"),
                ("block-size-assumed-64", "riscv"),
            ];
            // Where blocks are not smaller than assumed, the last is slow, and right.
            if cpu.line < 64 {
                all
            } else {
                &all[..all.len() - 1]
            }
        }
    }
}

/// The runs with a seeded bug, one seed. Each must report something.
pub fn of(cpu: Cpu, seed: u64) -> Vec<Job> {
    let job = |name: &str, workload: &str, profile| Job {
        mutant: name.to_owned(),
        ..Job::new(cpu, workload, profile, seed, 1)
    };
    let any = MUTANTS
        .iter()
        .map(|(name, workload)| job(name, workload, cpu.profile()));
    let own = own_mutants(&cpu)
        .iter()
        .map(|(name, profile)| job(name, "contract", profile));
    let pairs = PAIRS.iter().filter(|_| cpu.line == 64);
    let pairs = pairs.map(|(workload, name)| job(name, workload, cpu.profile()));
    let mut jobs: Vec<_> = any.chain(own).chain(pairs).collect();
    jobs.push(job("hint-fence-missing", "deep", "eadr"));
    if cpu.arch != Arch::X86_64 {
        jobs.push(job("none", "slots", cpu.profile()));
    }
    jobs
}
