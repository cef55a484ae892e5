//! The module for Debian's kernels of other instruction sets than x86_64: built by a cross compiler
//! and judged by the crash simulator. Their power is not cut.

use super::{
    console,
    crash::Trial,
    files::Given,
    guest::{Guest, Spec},
    headers,
    kernel::{Kernel, SUITES, one},
    module::{self, Build, Module},
    nvdimm::Nvdimm,
    simulated::{RECORDS, Simulated},
};
use crate::{
    arch::Arch,
    capi::{self, archive::Target},
    setup::{
        self,
        unpacked::{Package, unpacked},
    },
    tools::Need,
};
use anyhow::{Context, Result, bail, ensure};
use std::{path::PathBuf, time::Duration};

/// Bytes of the NVDIMM: the fewest that Linux describes.
const SIZE: u64 = 2 << 20;

/// Where the guest has the module.
const FILE: &str = "/files/kpmem_log.ko";

/// What the guest says of a module that was taken.
const TAKEN: &str = "kpmem is taken";

/// A boot takes some seconds; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(240);

/// Words for make, without which the kernel's configuration asks for more than the compiler here
/// can: functions that are aligned whatever else is asked for came with GCC 14.
const OLDER: &str = "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=";

/// A kernel, and what builds modules for it.
#[derive(Clone, Debug)]
pub struct Kit {
    /// The instruction set.
    pub arch: Arch,
    /// The kernel.
    pub kernel: Kernel,
    compiler: PathBuf,
}

impl Kit {
    /// Downloads what isn't there.
    pub fn get(arch: Arch) -> Result<Self> {
        ensure!(
            cfg!(target_arch = "x86_64"),
            "the compiler for modules is taken for x86_64 only"
        );
        // Its linker and assembler are the binutils', and its libraries those of the native one.
        setup::ensure_these(&[Need::Kbuild, Need::Objdump(arch)])?;
        let (compiler, programs) = tools(arch)?;
        let kernel = Kernel::for_guest(arch, None)?;
        headers::with_programs(&kernel.headers(), &programs)?;
        Ok(Self {
            arch,
            kernel,
            compiler,
        })
    }

    /// Builds the static library and the module.
    pub fn build(&self, build: Build) -> Result<Module> {
        let binutils = format!("/usr/{}/bin/", self.arch.triplet());
        let words = [
            format!("CC={} -B{binutils}", self.compiler.display()),
            OLDER.to_owned(),
        ];
        let name = self.arch.name();
        module::make(&self.kernel, name, build, &library(self.arch)?, &words)
    }

    /// Builds the module and boots it under the crash simulator.
    pub fn simulate(&self, build: Build) -> Result<Simulated> {
        self.judge(&self.build(build)?, build)
    }

    /// Boots the module that was built so under the crash simulator.
    pub fn judge(&self, module: &Module, build: Build) -> Result<Simulated> {
        let trial = self.trial(module, build);
        let done = trial.run_in(&Guest::new(&trial.spec)?);
        let done =
            done.with_context(|| format!("{} in Linux {}", build.name(), self.kernel.release()))?;
        let [run] = &done.runs[..] else {
            bail!("{} workloads were seen, not one", done.runs.len());
        };
        Ok(Simulated::of(run))
    }

    /// Whether the module refuses a CPU on which nothing reaches persistent memory.
    pub fn refuses(&self, module: &Module) -> Result<(), String> {
        let (cpu, why) = match self.arch {
            Arch::X86_64 => return Err("each CPU has clflush".to_owned()),
            Arch::Aarch64 => ("cortex-a57", "the CPU cannot do what the granularity needs"),
            Arch::Riscv64 => ("rv64,zicbom=off", "not each hart has Zicbom"),
        };
        let said = self
            .said_on(cpu, module)
            .map_err(|error| format!("{error:#}"))?;
        if said.contains(why) && !said.contains(TAKEN) {
            return Ok(());
        }
        Err(format!("on {cpu} it said {said:?}"))
    }

    /// What it says when it is loaded on this CPU.
    fn said_on(&self, cpu: &str, module: &Module) -> Result<String> {
        let load = format!("insmod {FILE} path=/dev/pmem0 format=1 && echo {TAKEN}; dmesg");
        let guest = Guest::new(&Spec {
            cpu: Some(cpu.to_owned()),
            command: ["sh", "-c", &load].map(str::to_owned).to_vec(),
            ..self.spec(module)
        })?;
        let mut said = String::new();
        console::run(&guest, &guest.image()?, LIMIT, |more| said += more)?;
        let ours = said.lines().filter(|line| line.contains("kpmem"));
        Ok(ours.collect::<Vec<_>>().join("; "))
    }

    fn spec(&self, module: &Module) -> Spec {
        Spec {
            size: SIZE,
            files: vec![Given {
                host: module.file.clone(),
                guest: FILE.to_owned(),
            }],
            ..Spec::new(self.arch, Nvdimm::Plain)
        }
    }

    fn trial(&self, module: &Module, build: Build) -> Trial {
        let spec = Spec {
            script: format!("count={RECORDS}\n{}", include_str!("guest/carried.sh")),
            ..self.spec(module)
        };
        Trial {
            again: format!("cargo xtask linux-module --arch {}", self.arch),
            ..Trial::new(spec, &format!("linux-module-{}", build.name()))
        }
    }
}

/// The static library and the headers; the folder that they are in.
fn library(arch: Arch) -> Result<PathBuf> {
    capi::headers()?;
    let library = capi::library(Target::Bare(arch), false)?;
    if arch == Arch::Riscv64 {
        capi::without_floats(&library)?;
    }
    Ok(capi::folder())
}

/// What builds a kernel's modules on this machine: the compiler, and the folder of kbuild's
/// programs.
fn tools(arch: Arch) -> Result<(PathBuf, PathBuf)> {
    let (driver, proper) = match arch {
        Arch::X86_64 => bail!("x86_64 needs no cross compiler"),
        Arch::Aarch64 => ("gcc-12-aarch64-linux-gnu", "cpp-12-aarch64-linux-gnu"),
        Arch::Riscv64 => ("gcc-12-riscv64-linux-gnu", "cpp-12-riscv64-linux-gnu"),
    };
    let packages = [
        Package::of(SUITES[0], driver),
        Package::of(SUITES[0], proper),
        // The programs that go with the guest's kernel want a newer C library.
        Package {
            with: &["linux-kbuild-"],
            ..Package::named_by(SUITES[1], "linux-headers-cloud-amd64")
        },
    ];
    let root = unpacked(&format!("modules-for-{arch}"), &packages)?;
    let compiler = format!("usr/bin/{}-gcc-12", arch.triplet());
    let programs = one(&root.join("usr/lib"), "linux-kbuild-")?;
    Ok((root.join(compiler), programs))
}
