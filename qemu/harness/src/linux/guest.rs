//! A Linux out of Debian's packages, with an NVDIMM and a program: all that boots it.

use super::{
    board,
    files::{self, Given},
    initramfs::Initramfs,
    kernel::Kernel,
    modules::Modules,
    nvdimm::Nvdimm,
    program::Finder,
    tree::Node,
};
use crate::{
    arch::Arch,
    boot::Vm,
    image::Image,
    machine::{Linux, Machine},
    setup::closure::closure,
};
use anyhow::{Result, ensure};
use fastrand::Rng;
use std::{fmt::Write, path::PathBuf, sync::Arc};

/// The most RAM that a machine has below its NVDIMM, in MiB.
const MOST_RAM: u64 = 2048;

/// What to make.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Instruction set.
    pub arch: Arch,
    /// Release of the kernel; `None` for the oldest that will do.
    pub kernel: Option<&'static str>,
    /// What the NVDIMM is used as.
    pub nvdimm: Nvdimm,
    /// Its bytes.
    pub size: u64,
    /// Bytes at its end that a file system leaves alone.
    pub tail: u64,
    /// RAM in MiB, beside what the files take.
    pub ram: u64,
    /// Number of CPUs.
    pub smp: u32,
    /// QEMU's CPU model; `None` for one that has the best write-back instruction.
    pub cpu: Option<String>,
    /// Release of the packages; `None` for the oldest that has them.
    pub suite: Option<String>,
    /// Debian's packages; what they depend on is there, too.
    pub packages: Vec<String>,
    /// Files of theirs that are not needed, by what their paths begin with: all that is there is
    /// unpacked at each boot.
    pub left_out: &'static [&'static str],
    /// Files of this machine.
    pub files: Vec<Given>,
    /// The program and its arguments, or nothing. A script finds them as its parameters.
    pub command: Vec<String>,
    /// What the first process does when everything is there, as a shell script. It ends by
    /// `end exit STATUS`.
    pub script: String,
}

impl Spec {
    /// A guest that runs the program, and tells how it ended.
    pub fn new(arch: Arch, nvdimm: Nvdimm) -> Self {
        Self {
            arch,
            kernel: None,
            nvdimm,
            size: nvdimm.default_size(),
            tail: 0,
            ram: 512,
            smp: 1,
            cpu: None,
            suite: None,
            packages: Vec::new(),
            left_out: &[],
            files: Vec::new(),
            command: Vec::new(),
            script: include_str!("guest/run.sh").to_owned(),
        }
    }
}

/// A guest that can be booted, again and again.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its machine, with the initramfs and the kernel's parameters. More parameters are the `args`
    /// of [`Vm::boot`].
    pub machine: Machine,
    /// The kernel.
    pub kernel: PathBuf,
    /// Physical address of the NVDIMM.
    pub base: u64,
    /// Bytes before the file system or the device, which are Linux's description of it.
    pub offset: u64,
    /// The word with which lines begin that are for the harness.
    pub token: String,
    nvdimm: Nvdimm,
    size: u64,
    tail: u64,
}

impl Guest {
    /// Downloads what isn't there, finds program and libraries, packs the initramfs.
    pub fn new(spec: &Spec) -> Result<Self> {
        let arch = spec.arch;
        spec.nvdimm.check(spec.size)?;
        ensure!(
            spec.tail < spec.size / 2 && spec.tail.is_multiple_of(4096),
            "a file system cannot leave {} bytes of {} alone",
            spec.tail,
            spec.size
        );
        let kernel = Kernel::for_guest(arch, spec.kernel)?;
        if let Some(option) = spec.nvdimm.option() {
            ensure!(
                kernel.has(option)?,
                "Linux {} was built without {option}, and there is no {} without",
                kernel.release(),
                spec.nvdimm.name()
            );
        }
        let mut initramfs = Initramfs::bare(&kernel, include_str!("guest/first.sh"))?;
        let drivers = spec.nvdimm.drivers(arch);
        let modules = Modules::of(&kernel)?.in_order(&drivers)?;
        for (order, content) in modules.into_iter().enumerate() {
            initramfs = initramfs.with_module(order, content);
        }
        let mut tree = Default::default();
        if !spec.packages.is_empty() {
            let suite = spec.suite.as_deref().unwrap_or(oldest(arch));
            let packages = closure(arch, suite, &spec.packages)?;
            tree = files::of_packages(&packages, spec.left_out)?;
        }
        let mut finder = Finder {
            arch,
            kernel: &kernel,
            tree: &mut tree,
        };
        for file in &spec.files {
            finder.file(file)?;
        }
        let mut words = Vec::new();
        if let Some((program, arguments)) = spec.command.split_first() {
            words = finder.program(program)?;
            words.extend(arguments.iter().cloned());
        }
        tree.add("command", Node::Bytes(set(&words).into_bytes()));
        tree.add("script", Node::Bytes(spec.script.clone().into_bytes()));
        let archive = initramfs.with_tree(&tree).archive()?;
        let ram = ram(spec.ram, archive.len() as u64)?;
        let token = format!("kpmem-{:016x}", Rng::new().u64(..));
        let base = base(arch, ram);
        let cpu = spec.cpu.as_deref().unwrap_or(cpu(arch));
        let mut machine = Machine::new(arch).with_cpu(cpu).with_smp(spec.smp);
        let tree = match arch {
            Arch::X86_64 => None,
            _ => Some(Arc::new(board::tree(&machine, ram, base, spec.size)?)),
        };
        machine.linux = Some(Linux {
            initramfs: Arc::new(Image::of(&archive)?),
            ram,
            tree,
            // Not a word of the kernel's comes between the program's, but when it panics: at level
            // 0 it would not even then.
            parameters: format!(
                "{} loglevel=1 panic=-1 nokaslr mitigations=off cryptomgr.notests token={token} \
                 nvdimm={}{}",
                console(arch),
                spec.nvdimm.name(),
                board::parameters(arch, spec.smp, ram)
            ),
        });
        Ok(Self {
            kernel: kernel.image().to_owned(),
            base,
            offset: spec.nvdimm.offset(arch),
            machine,
            token,
            nvdimm: spec.nvdimm,
            size: spec.size,
            tail: spec.tail,
        })
    }

    /// A fresh NVDIMM, with its file system.
    pub fn image(&self) -> Result<Image> {
        let image = Image::fresh(self.size)?;
        let file_system = self
            .nvdimm
            .file_system(self.size - self.offset - self.tail)?;
        if let Some(file_system) = file_system {
            file_system.copy_to(&image, self.offset)?;
        }
        Ok(image)
    }

    /// Boots it on what is in `image`.
    pub fn boot(&self, image: &Image) -> Result<Vm> {
        Vm::boot(&self.machine, &self.kernel, image, "")
    }
}

/// The oldest release that has packages for an instruction set.
pub fn oldest(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 | Arch::Aarch64 => "bookworm",
        Arch::Riscv64 => "trixie",
    }
}

/// Signed pointers cost much under emulation, unless QEMU may sign them in its own way.
fn cpu(arch: Arch) -> &'static str {
    match arch {
        Arch::Aarch64 => "max,pauth-impdef=on",
        Arch::X86_64 | Arch::Riscv64 => arch.default_cpu(),
    }
}

fn console(arch: Arch) -> &'static str {
    match arch {
        // Linux counts ticks at first, and panics on a host that is too busy for them.
        Arch::X86_64 => "console=ttyS0 no_timer_check",
        Arch::Aarch64 => "console=ttyAMA0",
        Arch::Riscv64 => "console=ttyS0",
    }
}

/// Where the NVDIMM is.
fn base(arch: Arch, ram: u64) -> u64 {
    match arch {
        Arch::X86_64 => 0x1_0000_0000,
        Arch::Aarch64 => 0x4000_0000 + (ram << 20),
        Arch::Riscv64 => 0x8000_0000 + (ram << 20),
    }
}

/// RAM for what is asked for and the files, which are there twice while they are unpacked.
fn ram(asked: u64, files: u64) -> Result<u64> {
    let ram = (asked + 2 * files.div_ceil(1 << 20)).next_multiple_of(128);
    ensure!(
        ram <= MOST_RAM,
        "the guest's {} MiB of files and {asked} MiB of RAM are more than a machine of {MOST_RAM} \
         MiB has",
        files >> 20
    );
    Ok(ram)
}

/// A shell's command that makes these words its parameters.
fn set(words: &[String]) -> String {
    let mut text = "set --".to_owned();
    for word in words {
        let _ = write!(text, " {}", quoted(word));
    }
    text + "\n"
}

/// One word for a shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
