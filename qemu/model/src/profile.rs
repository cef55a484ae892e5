//! Platforms: what is atomic, what is ordered and what completes a flush.
//!
//! Sources, by the short names used all over this crate:
//! - *SDM*: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 (CLFLUSH,
//!   CLFLUSHOPT, CLWB, SFENCE), volume 3 "Guaranteed Atomic Operations", "Memory Ordering in P6 and
//!   More Recent Processor Families", and volume 1 "Caching of Temporal vs. Non-Temporal Data".
//! - *APM*: AMD64 Architecture Programmer's Manual, volume 3, CLFLUSH: "weakly-ordered with respect
//!   to other instructions that operate on memory"; the only way to order it is MFENCE. Volume 1,
//!   "Atomicity of accesses": atomic if it does not cross an aligned 8-byte boundary.
//! - *Px86*: Raad, Wickerson, Neiger, Vafeiadis, "Persistency Semantics of the Intel-x86
//!   Architecture", POPL 2020.
//! - *PTSO*: Khyzha, Lahav, "Taming x86-TSO Persistency", POPL 2021: a flush may be taken to be
//!   synchronous; the reachable states are the same.
//! - *Arm ARM*: Arm Architecture Reference Manual for A-profile, B2 "The AArch64 Application Level
//!   Memory Model", "Data Synchronization Barrier", and D7 "Ordering and completion of data and
//!   instruction cache instructions".
//! - *PARMv8*: Raad, Wickerson, Vafeiadis, "Weak Persistency Semantics from the Ground Up", OOPSLA
//!   2019; repaired by Cho, Lee, Raad, Kang, "Revamping Hardware Persistency Models", PLDI 2021.
//! - *CMO*: RISC-V "CMO" Extensions for Base Cache Management Operation ISA, "Memory Ordering".
//! - *RVWMO*: RISC-V Unprivileged ISA, "RVWMO Memory Consistency Model".

use crate::event::Domain;

/// Instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// x86-64.
    X86_64,
    /// AArch64.
    Aarch64,
    /// RV64.
    Riscv64,
}

/// Which stores of a line (or of the machine) a crash may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Program order: a crash shows a prefix (Px86: stores to one line persist in TSO order).
    Program,
    /// Only barriers, release and acquire order the stores of a CPU.
    Barriers,
}

/// Where the persistence domain starts, and so which stores are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Behind the caches: lines become durable independently.
    Line,
    /// At the caches (eADR): a store is durable once it left the core.
    Machine,
}

/// How `clflush` is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clflush {
    /// Before every later store of the CPU (SDM, Px86).
    Ordered,
    /// By MFENCE only (APM).
    Mfence,
}

/// How far a clean must go to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The point of coherency will do.
    Coherency,
    /// The point of persistence.
    Persistence,
    /// The point of deep persistence.
    Deep,
}

/// How a workload acknowledges a claim: what a RISC-V fence must order behind the flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// By a device write (a serial port, a doorbell).
    Mmio,
    /// By a store to main memory.
    Memory,
}

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its instruction set.
    pub isa: Isa,
    /// Order of stores.
    pub order: Order,
    /// Independence of lines.
    pub scope: Scope,
    /// The widest aligned store that is atomic, in bytes: 8 or 16.
    pub atom: u8,
    /// A store of up to 8 bytes is atomic at any alignment within a line.
    pub unaligned: bool,
    /// x86: order of `clflush`.
    pub clflush: Clflush,
    /// Arm: how far a clean must go.
    pub reach: Reach,
    /// Arm: the narrowest domain whose observers include the persistent memory.
    pub domain: Domain,
    /// RISC-V: what acknowledges.
    pub ack: Ack,
}

impl Profile {
    /// The names that [`Profile::named`] knows.
    pub const NAMES: [&str; 6] = ["px86", "amd", "arm", "riscv", "eadr", "torn8"];

    /// Intel x86 with ADR.
    ///
    /// Atomic are 16-byte aligned vector stores (SDM, processors with AVX), and stores of up to 8
    /// bytes within a line; anything else is torn at 8-byte boundaries.
    pub const PX86: Self = Self {
        name: "px86",
        isa: Isa::X86_64,
        order: Order::Program,
        scope: Scope::Line,
        atom: 16,
        unaligned: true,
        clflush: Clflush::Ordered,
        reach: Reach::Coherency,
        domain: Domain::FullSystem,
        ack: Ack::Mmio,
    };

    /// AMD x86 with ADR: `clflush` needs `mfence`, and unaligned stores are torn at 8-byte
    /// boundaries.
    pub const AMD: Self = Self {
        name: "amd",
        unaligned: false,
        clflush: Clflush::Mfence,
        ..Self::PX86
    };

    /// Arm with a point of persistence; the memory is reached by full-system barriers only.
    pub const ARM: Self = Self {
        name: "arm",
        isa: Isa::Aarch64,
        order: Order::Barriers,
        atom: 8,
        unaligned: false,
        reach: Reach::Persistence,
        ..Self::PX86
    };

    /// RISC-V with Zicbom, main memory behind the point of all coherent agents.
    pub const RISCV: Self = Self {
        name: "riscv",
        isa: Isa::Riscv64,
        reach: Reach::Coherency,
        ..Self::ARM
    };

    /// Changes a property by its name on the command line: `reach` (poc, pop, podp), `domain`
    /// (inner, outer, system), `ack` (mmio, memory).
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match (key, value, self.isa) {
            ("reach", "poc", Isa::Aarch64) => self.reach = Reach::Coherency,
            ("reach", "pop", Isa::Aarch64) => self.reach = Reach::Persistence,
            ("reach", "podp", Isa::Aarch64) => self.reach = Reach::Deep,
            ("domain", "inner", Isa::Aarch64) => self.domain = Domain::Inner,
            ("domain", "outer", Isa::Aarch64) => self.domain = Domain::Outer,
            ("domain", "system", Isa::Aarch64) => self.domain = Domain::FullSystem,
            ("ack", "mmio", Isa::Riscv64) => self.ack = Ack::Mmio,
            ("ack", "memory", Isa::Riscv64) => self.ack = Ack::Memory,
            _ => {
                return Err(format!(
                    "{key}={value} is not known on this instruction set"
                ));
            }
        }
        Ok(())
    }

    /// The profile that an instruction set has unless told otherwise.
    pub const fn of(isa: Isa) -> Self {
        match isa {
            Isa::X86_64 => Self::PX86,
            Isa::Aarch64 => Self::ARM,
            Isa::Riscv64 => Self::RISCV,
        }
    }

    /// Caches in the persistence domain; what has not left the core is still lost.
    pub const fn eadr(isa: Isa) -> Self {
        Self {
            name: "eadr",
            scope: Scope::Machine,
            ..Self::of(isa)
        }
    }

    /// Only aligned 8-byte words are atomic, and only barriers order them.
    pub const fn torn8(isa: Isa) -> Self {
        Self {
            name: "torn8",
            order: Order::Barriers,
            atom: 8,
            unaligned: false,
            ..Self::of(isa)
        }
    }

    /// Looks a profile up for an instruction set; `None` if the two do not fit.
    pub fn named(name: &str, isa: Isa) -> Option<Self> {
        match (name, isa) {
            ("px86", Isa::X86_64) => Some(Self::PX86),
            ("amd", Isa::X86_64) => Some(Self::AMD),
            ("arm", Isa::Aarch64) => Some(Self::ARM),
            ("riscv", Isa::Riscv64) => Some(Self::RISCV),
            ("eadr", isa) => Some(Self::eadr(isa)),
            ("torn8", isa) => Some(Self::torn8(isa)),
            _ => None,
        }
    }
}
