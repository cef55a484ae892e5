//! The emulated computer: a description, and the QEMU command line it becomes.

use crate::{arch::Arch, image::Image, linux::board};
use std::{
    os::fd::RawFd,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How a computer has its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// As an NVDIMM.
    Nvdimm,
    /// By virtio-pmem on PCI, which x86_64 alone has.
    VirtioPci,
    /// By virtio-pmem over MMIO, which x86_64's microvm alone has: the part of the image at
    /// [`VIRTIO_PART`], 64 MiB. All of it, 256 MiB, is the computer's RAM: that machine has no
    /// address space for memory that a device brings, and where the device says that its memory
    /// is, the guest finds the RAM, which is the same bytes of the same file.
    VirtioMmio,
}

/// What Linux is booted with, beside its kernel.
#[derive(Clone, Debug)]
pub struct Linux {
    /// The first file system.
    pub initramfs: Arc<Image>,
    /// RAM in MiB.
    pub ram: u64,
    /// The device tree, where that is how Linux learns of the NVDIMM.
    pub tree: Option<Arc<Image>>,
    /// Parameters. The guest's own are behind them: `key=value` is in the first process's
    /// environment.
    pub parameters: String,
}

/// What strace does with QEMU's system calls that sync a file.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Where it writes them.
    pub path: PathBuf,
    /// Whether it has them fail, as they do when a disk is broken.
    pub failing: bool,
}

/// Where the part of the image is that is persistent memory with [`Attached::VirtioMmio`].
pub const VIRTIO_PART: u64 = 128 << 20;

/// RAM in MiB, if nothing else is said.
pub const RAM: u64 = 256;

/// A computer with one NVDIMM, or what stands for it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Instruction set.
    pub arch: Arch,
    /// QEMU's CPU model with properties. Line or block size follow from it.
    pub cpu: String,
    /// Number of CPUs that the guest may use.
    pub smp: u32,
    /// Time goes by what is executed, two to this power nanoseconds for an instruction, and does
    /// not go by where nothing is. With 0 an instruction is one step of the guest's counters.
    pub counting: Option<u32>,
    /// Each CPU has a thread, on any instruction set.
    pub threads: bool,
    /// On x86_64 QEMU's small firmware: SeaBIOS takes half of the time of a short run.
    pub quick: bool,
    /// How the guest reaches the image.
    pub attached: Attached,
    /// How strace watches QEMU.
    pub trace: Option<Trace>,
    /// The kernel is Linux.
    pub linux: Option<Linux>,
    /// Further arguments for QEMU (a plugin, for one).
    pub extra: Vec<String>,
}

impl Machine {
    /// One CPU of the model that has the best write-back instruction.
    pub fn new(arch: Arch) -> Self {
        Self {
            arch,
            cpu: arch.default_cpu().to_owned(),
            smp: 1,
            counting: None,
            threads: false,
            quick: false,
            attached: Attached::Nvdimm,
            trace: None,
            linux: None,
            extra: Vec::new(),
        }
    }

    /// The files that QEMU inherits beside the image and the blank firmware.
    pub(crate) fn inherited(&self) -> Vec<RawFd> {
        let linux = self.linux.iter();
        let files = linux.flat_map(|it| [Some(&it.initramfs), it.tree.as_ref()]);
        files.flatten().map(|file| file.fd()).collect()
    }

    /// The same computer with another CPU model.
    pub fn with_cpu(mut self, cpu: impl Into<String>) -> Self {
        self.cpu = cpu.into();
        self
    }

    /// The same computer with another number of CPUs.
    pub fn with_smp(mut self, smp: u32) -> Self {
        self.smp = smp;
        self
    }

    /// The same computer, which boots in less time or not.
    pub fn with_quick(mut self, quick: bool) -> Self {
        self.quick = quick;
        self
    }

    /// The same computer, whose time goes by what is executed or not.
    pub fn with_counting(mut self, counting: Option<u32>) -> Self {
        self.counting = counting;
        self
    }

    /// The same computer, whose CPUs have a thread each or not.
    pub fn with_threads(mut self, threads: bool) -> Self {
        self.threads = threads;
        self
    }

    /// QEMU's arguments to boot `kernel` with `image` as its NVDIMM; the guest reads `args` by
    /// fw_cfg. `blank` is a firmware image without any code.
    pub(crate) fn argv(
        &self,
        kernel: &Path,
        image: &Image,
        blank: &Image,
        args: &str,
    ) -> Vec<String> {
        let kernel = kernel.display().to_string();
        let mut argv = Argv::default();
        // Nothing but what is asked for, and a guest that resets ends instead of looping.
        argv.add("-nodefaults -no-user-config -display none -monitor none -no-reboot");
        // Where CPUs take turns on one thread, QEMU's plugin interface gives the number of the CPU
        // that translated an instruction, not of the one that executes it (`gen_cpu_index`
        // in accel/tcg/plugin-gen.c, since 10.0). With one CPU to run it is right, and so
        // are the values of atomic operations. RISC-V harts say themselves who they are.
        // A schedule stops a CPU's thread.
        let themselves = self.arch == Arch::Riscv64 && !self.threads;
        let turns = self.smp == 1 || self.counting.is_some() || themselves;
        argv.pair(
            "-accel",
            if turns {
                "tcg,thread=single"
            } else {
                "tcg,thread=multi"
            },
        );
        if let Some(shift) = self.counting {
            argv.pair("-icount", &format!("shift={shift},sleep=off"));
        }
        argv.add("-serial stdio");
        argv.pair("-cpu", &self.cpu);
        let (offset, size) = match self.attached {
            Attached::VirtioMmio => (VIRTIO_PART, 64 << 20),
            _ => (0, image.size()),
        };
        argv.pair("-object", &backend("nv", image, offset, size));
        match (self.arch, &self.linux) {
            (Arch::X86_64, _) => {
                self.attach(&mut argv, image);
                argv.add("-device isa-debug-exit,iobase=0xf4,iosize=0x04");
                if self.quick {
                    argv.add("-bios qboot.rom");
                }
                argv.pair("-smp", &self.smp.to_string());
                argv.pair("-kernel", &kernel);
            }
            (Arch::Aarch64 | Arch::Riscv64, Some(linux)) => {
                argv.add("-machine virt");
                argv.0.extend(board::memory(self, linux.ram, image.size()));
                argv.pair("-kernel", &kernel);
            }
            (Arch::Aarch64, None) => {
                // The virt board has the ACPI device that an NVDIMM needs only when it boots
                // firmware: a blank one will do, as the generic loader sets the entry point.
                argv.add("-machine virt,nvdimm=on -m 256M,slots=2,maxmem=4G -semihosting");
                argv.add("-device nvdimm,id=nv0,memdev=nv");
                argv.pair("-smp", &self.smp.to_string());
                argv.pair("-bios", &blank.inherited_path());
                argv.pair("-device", &format!("loader,file={kernel},cpu-num=0"));
            }
            (Arch::Riscv64, None) => {
                // The virt board has no NVDIMM: a second NUMA node, behind the RAM and backed by
                // the file, stands in for it. A third one is for QEMU, which writes the device tree
                // at the end of memory at each boot. Each node must have a CPU.
                let memory = (256 << 20) + image.size() + (4 << 20);
                argv.add("-machine virt -bios none");
                argv.add("-object memory-backend-ram,id=ram,size=256M");
                argv.add("-object memory-backend-ram,id=end,size=4M");
                argv.add("-numa node,nodeid=0,memdev=ram -numa node,nodeid=1,memdev=nv");
                argv.add("-numa node,nodeid=2,memdev=end");
                argv.pair("-m", &format!("{}M", memory >> 20));
                argv.pair("-smp", &self.smp.max(3).to_string());
                // How many of them the kernel may use. Under a plugin it finds all: the simulator
                // must notice those that take part without its knowledge.
                if self.extra.is_empty() {
                    let cpus = format!("name=opt/org.kpmem/cpus,string={}", self.smp);
                    argv.pair("-fw_cfg", &cpus);
                }
                argv.pair("-kernel", &kernel);
            }
        }
        if let Some(linux) = &self.linux {
            argv.pair("-initrd", &linux.initramfs.inherited_path());
            if let Some(tree) = &linux.tree {
                argv.pair("-dtb", &tree.inherited_path());
            }
            argv.pair("-append", &format!("{} {args}", linux.parameters));
        } else if !args.is_empty() {
            argv.pair(
                "-fw_cfg",
                &format!("name=opt/org.kpmem/args,string={}", escape(args)),
            );
        }
        argv.0.extend(self.extra.iter().cloned());
        argv.0
    }

    /// The board of an x86_64 computer, with its image.
    fn attach(&self, argv: &mut Argv, image: &Image) {
        match self.attached {
            Attached::Nvdimm => {
                let (ram, most) = self.linux.as_ref().map_or((RAM, 4), |it| (it.ram, 8));
                argv.add("-machine q35,nvdimm=on");
                argv.pair("-m", &format!("{ram}M,slots=2,maxmem={most}G"));
                argv.add("-device nvdimm,id=nv0,memdev=nv");
            }
            Attached::VirtioPci => {
                argv.add("-machine q35 -m 256M,slots=2,maxmem=4G");
                argv.add("-device virtio-pmem-pci,id=nv0,memdev=nv");
            }
            Attached::VirtioMmio => {
                argv.add("-machine microvm,memory-backend=ram -m 256M");
                argv.pair("-object", &backend("ram", image, 0, 256 << 20));
                argv.add("-global virtio-mmio.force-legacy=false");
                // With it, QEMU 10 looks into the queue as soon as the driver is ready, takes that
                // there is nothing for an error, and wants a reset.
                argv.add("-global virtio-mmio.ioeventfd=off");
                let device = "virtio-pmem,bus=virtio-mmio-bus.0,id=nv0,memdev=nv";
                argv.pair("-device", &format!("{device},memaddr={VIRTIO_PART:#x}"));
            }
        }
    }
}

/// Memory that is a part of the image.
fn backend(id: &str, image: &Image, offset: u64, size: u64) -> String {
    let path = image.inherited_path();
    format!("memory-backend-file,id={id},mem-path={path},offset={offset},size={size},share=on")
}

/// QEMU's option parser takes a doubled comma as a literal one.
fn escape(value: &str) -> String {
    value.replace(',', ",,")
}

#[derive(Default)]
struct Argv(Vec<String>);

impl Argv {
    /// Words without spaces in them.
    fn add(&mut self, words: &str) {
        self.0.extend(words.split(' ').map(str::to_owned));
    }

    fn pair(&mut self, option: &str, value: &str) {
        self.0.extend([option.to_owned(), value.to_owned()]);
    }
}
