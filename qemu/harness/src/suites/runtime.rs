//! What kpmem-runtime promises, on a machine with a big NVDIMM: a kernel of its own tests, whose
//! features are the default ones.

use super::bare::Heard;
use crate::{
    arch::Arch,
    boot::{End, Vm},
    image::{DEFAULT_SIZE, Image},
    machine::Machine,
    report::{Case, Suite},
    toolchain::{self, Toolchain},
};
use anyhow::{Context, Result};
use std::{path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);
/// More than one page of 1 GiB, and an end that no large page has.
const BIG: u64 = (3 << 30) + (7 << 20);
/// More than virtual addresses of 39 bits reach.
const UNREACHABLE: u64 = 300 << 30;

/// What the kernel is told to do, and how the report must read.
const WRONG: [(&str, &str); 5] = [
    ("hole", "the guest crashed: TRAP"),
    (
        "virtual",
        "the guest crashed: PANIC: 0x40000000000000 is no address",
    ),
    (
        "unmap",
        "the guest crashed: PANIC: 0x40000000000000 is no address",
    ),
    ("physical", "is no page of physical memory"),
    ("number n=+5", "the guest crashed: PANIC: n=+5: no number"),
];
/// The same, where there are such registers.
const WRONG_ON_X86_64: [(&str, &str); 2] = [
    ("x87", "the guest crashed: TRAP: no FPU"),
    ("mmx", "the guest crashed: TRAP: no FPU"),
];

/// Boots the kernel in all its ways.
pub fn run(arch: Arch) -> Result<Suite> {
    let mut build = Toolchain::require(arch)?.cargo_for(arch, "test");
    build.args(["--release", "--no-run", "--package", "kpmem-runtime"]);
    build.args(["--test", "promises"]);
    let mut built = toolchain::executables(build)?;
    let kernel = built.remove("promises").context("no kernel was built")?;
    let boot = |smp, size, args: &str| boot(arch, &kernel, smp, size, args);

    let mut suite = Suite::new("runtime", Some(arch), None);
    for smp in [1, 2] {
        let (heard, end) = boot(smp, BIG, &format!("cpus={smp}"))?;
        for case in heard.cases() {
            let name = format!("{} (of {smp} CPUs)", case.name);
            suite.add(Case {
                name,
                ..case.clone()
            });
        }
        let name = format!("with {smp} CPUs the run is complete");
        suite.add(Case::from_result(name, heard.verdict(&end)));
    }
    let here = match arch {
        Arch::X86_64 => &WRONG_ON_X86_64[..],
        _ => &[],
    };
    for (mode, expected) in WRONG.iter().chain(here) {
        let (heard, end) = boot(1, DEFAULT_SIZE, &format!("mode={mode}"))?;
        let result = match heard.verdict(&end) {
            Ok(()) => Err("nothing came of it".to_owned()),
            Err(why) if why.contains(expected) => Ok(()),
            Err(why) => Err(format!("reported as something else: {why}")),
        };
        suite.add(Case::from_result(format!("{mode} ends it"), result));
    }
    for code in [127_u8, 128, 255] {
        let expected = match arch {
            Arch::X86_64 => code.min(127),
            _ => code,
        };
        let (_, end) = boot(1, DEFAULT_SIZE, &format!("mode=exit code={code}"))?;
        suite.add(Case::check(
            format!("exit code {code} is {expected}"),
            end == End::Exit(expected.into()),
            end.to_string(),
        ));
    }
    if arch == Arch::Riscv64 {
        let (heard, end) = boot(1, UNREACHABLE, "mode=none")?;
        let name = "an NVDIMM that page tables do not reach is told";
        suite.add(Case::from_result(name, heard.verdict(&end)));
    }
    Ok(suite)
}

fn boot(arch: Arch, kernel: &Path, smp: u32, size: u64, args: &str) -> Result<(Heard, End)> {
    let image = Image::fresh(size)?;
    let mut heard = Heard::default();
    let machine = Machine::new(arch).with_smp(smp);
    let end = Vm::boot(&machine, kernel, &image, args)?.run(LIMIT, |line| heard.read(line))?;
    Ok((heard, end))
}
