//! CPU models of QEMU's: the sizes that the simulator assumes are those of the CPU that runs.

use super::crash_strange::{Said, check};
use crate::{
    arch::Arch::{self, Aarch64, Riscv64, X86_64},
    crash::{
        campaign::Campaign,
        model::{self, Sizes},
        plan::{CPUS, Cpu, Job, Own},
    },
    parallel,
    report::{Case, Suite},
};

/// Bytes of a line, and of what `dc zva` zeroes.
const MODELS: &[(Arch, &str, Option<usize>, Option<usize>)] = &[
    (X86_64, "Skylake-Client", Some(64), None),
    (Aarch64, "cortex-a35", Some(64), Some(64)),
    (Aarch64, "neoverse-n2,sve=off", Some(64), Some(64)),
    (Aarch64, "a64fx", Some(256), Some(256)),
    (Riscv64, "max", Some(64), None),
    (Riscv64, "rv64,cbom_blocksize=16", Some(16), None),
    (Riscv64, "rv64,cbom_blocksize=256", Some(256), None),
    (Riscv64, "rv64,zicbom=off", None, None),
];

/// Models that must be refused, with the lines that are asked for, and words of what is said.
const REFUSED: &[(Arch, &str, Option<usize>, &str)] = &[
    (
        Aarch64,
        "nothing",
        None,
        "unable to find CPU model 'nothing'",
    ),
    (Aarch64, "cortex-m3", None, "Invalid CPU model"),
    (Aarch64, "cortex-a15", None, "no 64-bit instructions"),
    (Aarch64, "a64fx", Some(64), "lines of 256 bytes, not of 64"),
    (
        Riscv64,
        "nothing",
        None,
        "unable to find CPU model 'nothing'",
    ),
    (Riscv64, "rv64,nothing=on", None, "nothing"),
    (Riscv64, "rv32", None, "no 64-bit instructions"),
    (Riscv64, "max", Some(128), "lines of 64 bytes, not of 128"),
    (Riscv64, "rv64,cbom_blocksize=24", None, "24"),
    (X86_64, "max", Some(128), "lines of 64 bytes, not of 128"),
];

/// The kernel `strange` on models that the plan does not have.
const STRANGE: &[(Arch, &str, &str, Said)] = &[
    (Aarch64, "a64fx", "zeroes", Said::Sound),
    (Aarch64, "cortex-a710", "zeroes", Said::Sound),
    (
        Riscv64,
        "max,cbom_blocksize=16,cboz_blocksize=128",
        "zeroes",
        Said::Sound,
    ),
    (
        Riscv64,
        "max,cbom_blocksize=256,cboz_blocksize=32",
        "zeroes",
        Said::Sound,
    ),
    (X86_64, "Skylake-Server,-clwb", "sound", Said::Sound),
    (
        X86_64,
        "nothing",
        "sound",
        Said::Fault("unable to find CPU model 'nothing'"),
    ),
];

/// Runs all of it; `strange` has the kernel of that name.
pub fn run(strange: &Campaign) -> Suite {
    let mut suite = Suite::new("crash simulator, CPU models", None, None);
    for cpu in CPUS {
        let result = planned(cpu);
        suite.add(Case::from_result(
            format!("{} of the plan is itself", cpu.model),
            result,
        ));
    }
    for &(arch, model, line, zva) in MODELS {
        let result = match model::sizes(arch, model) {
            Ok(sizes) if sizes == (Sizes { line, zva }) => Ok(()),
            other => Err(format!("{other:?}")),
        };
        let name = format!("{arch}'s {model} is asked for its sizes");
        suite.add(Case::from_result(name, result));
    }
    for &(arch, model, line, words) in REFUSED {
        let said = match model::cpu(arch, model, line) {
            Ok(cpu) => format!("taken for {cpu:?}"),
            Err(error) => format!("{error:#}"),
        };
        let asked = line.map_or(String::new(), |line| format!(" with lines of {line} bytes"));
        let name = format!("{arch}'s {model}{asked} is refused");
        suite.add(Case::check(name, said.contains(words), said));
    }
    let results = parallel::map(STRANGE, |&(arch, model, case, said)| {
        let cpu = model::cpu(arch, model, None).map_err(|error| format!("{error:#}"))?;
        check(strange, &job(cpu, model, case), said)
    });
    for (&(arch, model, case, _), result) in STRANGE.iter().zip(results) {
        suite.add(Case::from_result(
            format!("{case} on {arch}'s {model}"),
            result,
        ));
    }
    // The control.
    for (line, zva) in [(64, 256), (256, 64)] {
        let cpu = Cpu {
            line,
            zva,
            ..CPUS[2]
        };
        let clean = check(strange, &job(cpu, "a64fx", "zeroes"), Said::Sound).is_ok();
        let name = format!("an a64fx that is taken for one of {line} and {zva} bytes is noticed");
        suite.add(Case::check(name, !clean, "nothing was said"));
    }
    suite
}

fn planned(cpu: Cpu) -> Result<(), String> {
    let is = model::cpu(cpu.arch, cpu.model, None).map_err(|error| format!("{error:#}"))?;
    let zva = cpu.arch != Aarch64 || is.zva == cpu.zva;
    if is.line == cpu.line && zva {
        Ok(())
    } else {
        Err(format!("{is:?} is not {cpu:?}"))
    }
}

fn job(cpu: Cpu, model: &str, case: &str) -> Job {
    Job {
        own: Some(Own {
            args: format!("case={case}"),
            smp: 1,
            size: 1 << 20,
            model: Some(model.to_owned()),
            again: None,
        }),
        ..Job::new(cpu, case, cpu.profile(), 1, 1)
    }
}
