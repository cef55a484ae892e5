//! The instruction sets that are tested, and what each is called by the tools.

use clap::ValueEnum;

/// An instruction set that the guests are built for and QEMU emulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Arch {
    /// x86-64, ring 0 in long mode.
    #[value(name = "x86_64")]
    X86_64,
    /// 64-bit Arm, EL1.
    #[value(name = "aarch64")]
    Aarch64,
    /// 64-bit RISC-V, S-mode.
    #[value(name = "riscv64")]
    Riscv64,
}

impl Arch {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 3] = [Self::X86_64, Self::Aarch64, Self::Riscv64];

    /// The name used on the command line, in reports and by the guests.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Riscv64 => "riscv64",
        }
    }

    /// What Debian calls it.
    pub fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
            Self::Riscv64 => "riscv64",
        }
    }

    /// The folder of its libraries, by Debian's multiarch.
    pub fn triplet(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-linux-gnu",
            Self::Aarch64 => "aarch64-linux-gnu",
            Self::Riscv64 => "riscv64-linux-gnu",
        }
    }

    /// The dynamic loader's file.
    pub fn loader(self) -> &'static str {
        match self {
            Self::X86_64 => "ld-linux-x86-64.so.2",
            Self::Aarch64 => "ld-linux-aarch64.so.1",
            Self::Riscv64 => "ld-linux-riscv64-lp64d.so.1",
        }
    }

    /// That of this computer, if it is one of them.
    pub fn host() -> Option<Self> {
        let named = |arch: &Self| arch.name() == std::env::consts::ARCH;
        Self::ALL.into_iter().find(named)
    }

    /// The Rust target without an operating system; all three use no vector or float registers.
    pub fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-none",
            Self::Aarch64 => "aarch64-unknown-none-softfloat",
            // The float registers exist for this target, and the artefact suite checks that the
            // library leaves them alone.
            Self::Riscv64 => "riscv64gc-unknown-none-elf",
        }
    }

    /// The QEMU program.
    pub fn qemu(self) -> &'static str {
        match self {
            Self::X86_64 => "qemu-system-x86_64",
            Self::Aarch64 => "qemu-system-aarch64",
            Self::Riscv64 => "qemu-system-riscv64",
        }
    }

    /// The Debian package that holds [`Arch::qemu`].
    pub fn qemu_package(self) -> &'static str {
        match self {
            Self::X86_64 => "qemu-system-x86",
            Self::Aarch64 => "qemu-system-arm",
            Self::Riscv64 => "qemu-system-riscv",
        }
    }

    /// The disassembler.
    pub fn objdump(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-linux-gnu-objdump",
            Self::Aarch64 => "aarch64-linux-gnu-objdump",
            Self::Riscv64 => "riscv64-linux-gnu-objdump",
        }
    }

    /// The Debian package that holds [`Arch::objdump`].
    pub fn objdump_package(self) -> &'static str {
        match self {
            Self::X86_64 => "binutils-x86-64-linux-gnu",
            Self::Aarch64 => "binutils-aarch64-linux-gnu",
            Self::Riscv64 => "binutils-riscv64-linux-gnu",
        }
    }

    /// The CPU model that has the best write-back instruction.
    pub fn default_cpu(self) -> &'static str {
        match self {
            Self::X86_64 | Self::Aarch64 => "max",
            Self::Riscv64 => "rv64,zicbom=on,cbom_blocksize=64",
        }
    }

    /// The instruction set of an ELF file's `e_machine` (System V ABI, ELF header).
    pub fn from_elf_machine(machine: u16) -> Option<Self> {
        match machine {
            62 => Some(Self::X86_64),
            183 => Some(Self::Aarch64),
            243 => Some(Self::Riscv64),
            _ => None,
        }
    }

    /// What the guest passed to its exit device, from QEMU's exit status. `None`: QEMU ended by
    /// itself (a reset, for one), and the guest said nothing.
    pub fn guest_exit(self, status: i32) -> Option<i32> {
        match self {
            // isa-debug-exit makes (code << 1) | 1 of it.
            Self::X86_64 => (status & 1 == 1).then_some(status >> 1),
            Self::Aarch64 | Self::Riscv64 => Some(status),
        }
    }
}

impl std::fmt::Display for Arch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
