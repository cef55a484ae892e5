//! The example kernels that count durably: what one boot said, and whether the next one knows it.

use crate::{
    arch::Arch,
    boot::{End, Vm},
    image::{DEFAULT_SIZE, Image},
    machine::{Attached, Machine},
    process, protocol,
    serial::NoLine,
    toolchain::{self, Toolchain},
    workspace,
};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// To boot and count. Much longer than it takes, for busy hosts.
const LIMIT: Duration = Duration::from_secs(60);

/// What the persistent memory is to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Device {
    /// An NVDIMM (on riscv64 a memory node), by the firmware's tables.
    Nvdimm,
    /// virtio-pmem on PCI: x86_64.
    VirtioPmem,
    /// virtio-pmem over MMIO, on QEMU's microvm: x86_64.
    VirtioPmemMmio,
}

impl Device {
    /// The devices of an instruction set's machines.
    pub fn of(arch: Arch) -> &'static [Self] {
        match arch {
            Arch::X86_64 => &[Self::Nvdimm, Self::VirtioPmem, Self::VirtioPmemMmio],
            Arch::Aarch64 | Arch::Riscv64 => &[Self::Nvdimm],
        }
    }

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nvdimm => "nvdimm",
            Self::VirtioPmem => "virtio-pmem",
            Self::VirtioPmemMmio => "virtio-pmem-mmio",
        }
    }

    /// A machine with it.
    pub fn machine(self, arch: Arch) -> Machine {
        let mut machine = Machine::new(arch);
        machine.attached = match self {
            Self::Nvdimm => Attached::Nvdimm,
            Self::VirtioPmem => Attached::VirtioPci,
            Self::VirtioPmemMmio => Attached::VirtioMmio,
        };
        machine
    }

    /// An empty image for it.
    pub fn image(self) -> Result<Image> {
        Image::fresh(match self {
            Self::Nvdimm | Self::VirtioPmem => DEFAULT_SIZE,
            // The whole RAM of that machine.
            Self::VirtioPmemMmio => 256 << 20,
        })
    }

    /// What the kernel must be told to find it.
    fn parameters(self) -> &'static str {
        match self {
            Self::Nvdimm | Self::VirtioPmem => "",
            Self::VirtioPmemMmio => "mmio=0xfeb00000",
        }
    }
}

/// Builds the unikernel.
pub fn build(arch: Arch) -> Result<PathBuf> {
    let mut built = toolchain::build(arch, "kpmem-unikernel")?;
    built
        .remove("unikernel")
        .context("kpmem-unikernel has no program called unikernel")
}

/// Builds the example on ArceOS's platform crates, for x86_64; or why these cannot be had.
pub fn build_arceos() -> Result<Result<PathBuf, String>> {
    let toolchain = Toolchain::require(Arch::X86_64)?;
    let inside = |mut command: Command| {
        command
            .current_dir(workspace::root().join("examples/arceos"))
            .env("CARGO_TARGET_DIR", workspace::target().join("arceos"))
            // They depend on the crate x86_64 with its unstable features.
            .env("RUSTC_BOOTSTRAP", "1");
        command
    };
    let mut fetch = inside(toolchain.cargo("fetch"));
    if !process::output_of(fetch.arg("--locked"))?.status.success() {
        return Ok(Err("cargo cannot fetch its crates".to_owned()));
    }
    let build = || {
        let mut build = inside(toolchain.cargo_for(Arch::X86_64, "build"));
        build.args(["--release", "--locked"]);
        build
    };
    let theirs = process::output_of(build().args(["--package", "axplat-x86-pc"]))?;
    if !theirs.status.success() {
        let why = "this compiler does not build axplat-x86-pc, which needs unstable features";
        return Ok(Err(why.to_owned()));
    }
    let mut built = toolchain::executables(build()).context("examples/arceos does not build")?;
    let kernel = built.remove("arceos");
    let kernel = kernel.context("examples/arceos has no program called arceos")?;
    Ok(Ok(kernel))
}

/// A kernel and the machine that it is booted on, again and again with the same image.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The kernel.
    pub kernel: &'a Path,
    /// The machine.
    pub machine: Machine,
    /// How it has its memory.
    pub device: Device,
    /// Whether the guest's lines are printed.
    pub loud: bool,
}

/// What a kernel said in one boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Which boot it takes this one for.
    pub boot: Option<u64>,
    /// The last number that it found.
    pub found: Option<u64>,
    /// The last number that it acknowledged.
    pub acknowledged: Option<u64>,
    /// All lines.
    pub lines: Vec<String>,
}

impl Trial<'_> {
    /// Boots with `parameters` until the kernel ends by itself, or cuts the power when it has
    /// acknowledged `cut` numbers.
    pub fn boot(&self, image: &Image, parameters: &str, cut: Option<usize>) -> Result<Said> {
        let args = format!("{} {parameters}", self.device.parameters());
        let mut vm = Vm::boot(&self.machine, self.kernel, image, args.trim())?;
        let deadline = Instant::now() + LIMIT;
        let mut said = Said::default();
        let mut left = cut.unwrap_or(usize::MAX);
        while left > 0 {
            match vm.line(deadline) {
                Ok(line) if line.complete => left -= usize::from(self.hear(&mut said, line.text)),
                Ok(_) => {}
                Err(NoLine::Closed) => {
                    let end = vm.run(LIMIT, |_| {})?;
                    if end != End::Exit(0) || cut.is_some() {
                        bail!("{end}; it said:\n    {}", said.lines.join("\n    "));
                    }
                    return Ok(said);
                }
                Err(NoLine::TimedOut) => {
                    let limit = End::TimedOut(LIMIT);
                    bail!("{limit}; it said:\n    {}", said.lines.join("\n    "));
                }
            }
        }
        // What is still in the pipe was said before the power went.
        for line in vm.cut()?.into_iter().filter(|line| line.complete) {
            self.hear(&mut said, line.text);
        }
        Ok(said)
    }

    /// Whether a line acknowledges a number.
    fn hear(&self, said: &mut Said, line: String) -> bool {
        if self.loud {
            println!("    {line}");
        }
        let tick = said.read(&line);
        said.lines.push(line);
        tick
    }
}

impl Said {
    fn read(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("boot ") {
            self.boot = rest
                .split(',')
                .next()
                .and_then(|number| number.parse().ok());
        }
        if let Some(number) = line.strip_prefix("    tick = ") {
            self.found = number.parse().ok();
        }
        let tick = line.strip_prefix("tick ");
        let tick = tick.and_then(|rest| rest.strip_suffix(" is durable")?.parse().ok());
        self.acknowledged = tick.or(self.acknowledged);
        tick.is_some()
    }

    /// Whether this boot knows all that the one before it acknowledged.
    ///
    /// # Errors
    /// A sentence that says what it does not know.
    pub fn follows(&self, before: &Self) -> Result<(), String> {
        if let Some(crash) = self.lines.iter().find(|line| protocol::is_crash(line)) {
            return Err(crash.clone());
        }
        let (Some(boot), Some(last)) = (self.boot, before.boot) else {
            return Err("a boot did not say which one it is".to_owned());
        };
        if boot != last + 1 {
            return Err(format!("it counts boot {boot} after boot {last}"));
        }
        let Some(acknowledged) = before.acknowledged.or(before.found) else {
            return Err("nothing was acknowledged before".to_owned());
        };
        match self.found {
            // The power may go when a number is durable and not yet acknowledged.
            Some(found) if found == acknowledged || found == acknowledged + 1 => Ok(()),
            Some(found) => Err(format!("{acknowledged} was acknowledged, it found {found}")),
            None => Err(format!("{acknowledged} was acknowledged, it found nothing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Said {
        let mut said = Said::default();
        for line in lines {
            said.read(line);
            said.lines.push((*line).to_owned());
        }
        said
    }

    #[test]
    fn a_wrong_count_is_told() {
        let first = said(&[
            "boot 1, 0 records",
            "tick 1 is durable",
            "tick 2 is durable",
        ]);
        let next = |lines: &[&str]| said(lines).follows(&first);
        assert_eq!(next(&["boot 2, 2 records", "    tick = 2"]), Ok(()));
        assert_eq!(next(&["boot 2, 3 records", "    tick = 3"]), Ok(()));
        let wrong: [&[&str]; 6] = [
            &["boot 2, 1 records", "    tick = 1"],
            &["boot 2, 4 records", "    tick = 4"],
            &["boot 1, 2 records", "    tick = 2"],
            &["boot 2, 0 records"],
            &["    tick = 2"],
            &["boot 2, 2 records", "    tick = 2", "PANIC: on purpose"],
        ];
        for lines in wrong {
            assert!(next(lines).is_err(), "{lines:?}");
        }
        assert!(said(&["boot 2"]).follows(&said(&["boot 1"])).is_err());
    }
}
