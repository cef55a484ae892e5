//! Objects as compilers make them for all kinds of systems: what is right in them must be called
//! right, and what cannot be linked must be refused with a sentence that says why.

use super::{
    Ask, question, sources,
    table::{
        KINDS, Kind,
        Said::{self, Refused, Right, Wrong},
    },
};
use crate::{
    arch::Arch::{self, Riscv64, X86_64},
    crash::plan::Cpu,
    process,
};
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What is asked of them on one CPU.
pub fn asks(cpu: Cpu, folder: &Path) -> Result<Vec<Ask>> {
    let mut asks = Vec::new();
    fs::write(folder.join("bare.c"), BARE)?;
    let kinds = KINDS
        .iter()
        .filter(|kind| kind.of.is_none_or(|arch| arch == cpu.arch));
    for (number, kind) in kinds.enumerate() {
        let object = folder.join(format!("kind{number}-{}.o", cpu.arch));
        compile(cpu.arch, kind, folder, &object)?;
        for (what, symbol, said) in kind.asks {
            asks.push(ask(cpu, kind.name, &object, (what, symbol), *said));
        }
    }
    asks.extend(libraries(cpu, folder)?);
    Ok(asks)
}

/// Nothing to flush, for what is refused before.
const BARE: &str = "
void f(const void *ptr, unsigned long len)
{
#ifdef ZMM
	__asm__ volatile(\"vpxord %zmm0, %zmm0, %zmm0\");
#endif
}
";

fn ask(cpu: Cpu, kind: &str, file: &Path, function: (&'static str, &str), said: Said) -> Ask {
    let question = question(cpu, file, &[function], 50);
    let name = format!("{} of {kind} on {}", function.1, cpu.arch);
    match said {
        Right => Ask::right(name + " is right", question),
        Wrong(words) => Ask::wrong(name + " is wrong", question, words),
        Refused(words) => Ask::refused(name + " is refused", question, words),
    }
}

fn compile(arch: Arch, kind: &Kind, folder: &Path, object: &Path) -> Result<()> {
    let own = sources().join(kind.source);
    let source = if own.exists() {
        own
    } else {
        folder.join(kind.source)
    };
    let mut command = Command::new("clang");
    command.args(["-O2", "-ffreestanding", "-w", "-g", "-c"]);
    command.arg(format!("--target={arch}-linux-gnu"));
    if arch == Riscv64 {
        command.args([
            "-march=rv64gc",
            "-mabi=lp64d",
            "-mno-relax",
            "-mcmodel=medany",
        ]);
    }
    command.args(kind.flags).arg(source).arg("-o").arg(object);
    process::run(&mut command)
}

/// A library by reference, and one of two instruction sets.
fn libraries(cpu: Cpu, folder: &Path) -> Result<Vec<Ask>> {
    if cpu.arch != X86_64 {
        return Ok(Vec::new());
    }
    let library = |name: &str, options: &str, members: &[&str]| -> Result<PathBuf> {
        let path = folder.join(name);
        let mut command = Command::new("ar");
        command
            .current_dir(folder)
            .arg(options)
            .arg(&path)
            .args(members);
        process::run(&mut command)?;
        Ok(path)
    };
    let function = ("persist", "right_data");
    let thin = library("thin.a", "rcsT", &["kind0-x86_64.o"])?;
    let broken = folder.join("elsewhere");
    fs::create_dir_all(&broken)?;
    fs::copy(&thin, broken.join("thin.a"))?;
    Ok(vec![
        ask(cpu, "a thin library", &thin, function, Right),
        ask(
            cpu,
            "a thin library elsewhere",
            &broken.join("thin.a"),
            function,
            Refused("thin"),
        ),
    ])
}
