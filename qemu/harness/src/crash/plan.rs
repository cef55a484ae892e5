//! What is simulated: instruction sets, line sizes, workloads, platforms, seeded bugs.

use super::schedules::{PAIRS, Schedules};
use crate::{arch::Arch, machine::Machine};
use anyhow::{Context, Result};

/// A CPU as QEMU models it, with the size of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Instruction set.
    pub arch: Arch,
    /// QEMU's CPU model.
    pub model: &'static str,
    /// Bytes of a line.
    pub line: usize,
    /// Bytes that `dc zva` zeroes.
    pub zva: usize,
}

/// Each instruction set with each line size that QEMU has.
pub const CPUS: [Cpu; 6] = [
    cpu(Arch::X86_64, "max", 64),
    cpu(Arch::Aarch64, "max", 64),
    cpu(Arch::Aarch64, "a64fx", 256),
    cpu(Arch::Riscv64, "rv64,zicbom=on,cbom_blocksize=32", 32),
    cpu(Arch::Riscv64, "rv64,zicbom=on,cbom_blocksize=64", 64),
    cpu(Arch::Riscv64, "rv64,zicbom=on,cbom_blocksize=128", 128),
];

const fn cpu(arch: Arch, model: &'static str, line: usize) -> Cpu {
    let zva = if line == 256 { 256 } else { 64 };
    Cpu {
        arch,
        model,
        line,
        zva,
    }
}

impl Cpu {
    /// The platform that the CPU has unless told otherwise.
    pub fn profile(&self) -> &'static str {
        match self.arch {
            Arch::X86_64 => "px86",
            Arch::Aarch64 => "arm",
            Arch::Riscv64 => "riscv",
        }
    }

    /// The platforms that fit it.
    pub fn profiles(&self) -> &'static [&'static str] {
        match self.arch {
            Arch::X86_64 => &["px86", "amd", "eadr", "torn8"],
            Arch::Aarch64 => &["arm", "eadr", "torn8"],
            Arch::Riscv64 => &["riscv", "eadr", "torn8"],
        }
    }

    /// The platform of this name; its own if none is named.
    pub fn named_profile(&self, name: Option<&str>) -> Result<&'static str> {
        let name = name.unwrap_or(self.profile());
        let known = self.profiles().iter().find(|known| **known == name);
        known
            .copied()
            .with_context(|| format!("the profile {name} does not fit {}", self.arch))
    }

    /// Where its machine has the NVDIMM.
    pub fn base(&self) -> u64 {
        match self.arch {
            Arch::X86_64 => 0x1_0000_0000,
            Arch::Aarch64 => 0x8000_0000,
            Arch::Riscv64 => 0x9000_0000,
        }
    }
}

/// One boot of the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// On which CPU.
    pub cpu: Cpu,
    /// The kernel's workload.
    pub workload: String,
    /// The platform that decides what a crash may leave.
    pub profile: &'static str,
    /// First seed.
    pub seed: u64,
    /// How many seeds from there on.
    pub runs: u64,
    /// A seeded bug, or `none`.
    pub mutant: String,
    /// Bad crash images of a seed after which no more are tried: of a seeded bug.
    pub enough: Option<u64>,
    /// Its CPUs take turns by these.
    pub schedules: Option<Schedules>,
    /// A kernel that isn't ours, which knows nothing of the above.
    pub own: Option<Own>,
    /// Properties of the platform that are not the profile's.
    pub platform: Vec<(&'static str, String)>,
}

/// How a kernel that isn't ours is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its parameters.
    pub args: String,
    /// CPUs.
    pub smp: u32,
    /// Bytes of persistent memory.
    pub size: u64,
    /// QEMU's CPU model, if it isn't that of the plan.
    pub model: Option<String>,
    /// The command that runs it again, if that is not `crash --replay`.
    pub again: Option<String>,
}

impl Job {
    /// Runs of a workload without a seeded bug.
    pub fn new(cpu: Cpu, workload: &str, profile: &'static str, seed: u64, runs: u64) -> Self {
        Self {
            cpu,
            workload: workload.to_owned(),
            profile,
            seed,
            runs,
            mutant: "none".to_owned(),
            enough: None,
            schedules: Schedules::of(workload),
            own: None,
            platform: Vec::new(),
        }
    }

    /// The kernel's parameters.
    pub fn args(&self) -> String {
        if let Some(own) = &self.own {
            return own.args.clone();
        }
        let Self {
            workload,
            seed,
            runs,
            mutant,
            ..
        } = self;
        // Where caches are durable, the right table is the one without flushes.
        let table = if self.profile == "eadr" {
            " table=byte"
        } else {
            ""
        };
        format!("workload={workload} seed={seed} runs={runs} mutant={mutant}{table}")
    }

    /// The machine that the workload, or the seeded bug, needs.
    pub fn machine(&self) -> Machine {
        let threads = self.schedules.is_some();
        let machine = Machine::new(self.cpu.arch).with_threads(threads);
        if let Some(own) = &self.own {
            let model = own.model.as_deref().unwrap_or(self.cpu.model);
            return machine.with_cpu(model).with_smp(own.smp);
        }
        let two = self.workload == "cpus" || Schedules::of(&self.workload).is_some();
        let smp = if two { 2 } else { 1 };
        let model = if self.traps() {
            "max,-clwb"
        } else {
            self.cpu.model
        };
        machine.with_cpu(model).with_smp(smp).with_quick(true)
    }

    /// Bytes of persistent memory: a mebibyte, of which our workloads use a part.
    pub fn size(&self) -> u64 {
        self.own.as_ref().map_or(1 << 20, |own| own.size)
    }

    /// Whether recovery is cut off too: the list once more, of which recovery has the most to do.
    pub fn is_nested(&self) -> bool {
        self.workload == "rollback"
    }

    /// Whether the seeded bug shows as a trap: it takes a CPU without `clwb` for one that has it.
    pub fn traps(&self) -> bool {
        self.mutant == "cpuid-bit-wrong"
    }

    /// A name for one of its seeds, from which `--replay` finds everything again.
    pub fn id(&self, seed: u64) -> String {
        format!("{}{seed}", self.id_of_all_seeds())
    }

    /// What the names of all its seeds begin with.
    pub fn id_of_all_seeds(&self) -> String {
        let Self {
            cpu,
            workload,
            profile,
            mutant,
            ..
        } = self;
        format!("{}.{}.{workload}.{profile}.{mutant}.", cpu.arch, cpu.line)
    }

    /// The job of a name that [`Job::id`] gave.
    pub fn named(id: &str) -> Option<Self> {
        let mut parts = id.split('.');
        let arch = parts.next()?;
        let line: usize = parts.next()?.parse().ok()?;
        // A kernel that isn't ours may run on a model with other lines than those.
        let mut like = CPUS.iter().filter(|cpu| cpu.arch.name() == arch);
        let exact = like.clone().find(|cpu| cpu.line == line).copied();
        let cpu = exact.or(like.next().map(|cpu| Cpu { line, ..*cpu }))?;
        let workload = parts.next()?;
        let profile = parts.next()?;
        let profile = cpu.profiles().iter().find(|p| **p == profile)?;
        let mutant = parts.next()?.to_owned();
        let seed = parts.next()?.parse().ok()?;
        let job = Self::new(cpu, workload, profile, seed, 1);
        let schedules = parts.next().map(|name| Schedules::One(name.to_owned()));
        parts.next().is_none().then_some(Self {
            mutant,
            schedules,
            ..job
        })
    }
}

/// How much of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// A part of `cargo xtask test`.
    Bounded,
    /// The default.
    #[default]
    Normal,
    /// Until ten million states and more.
    Full,
}

impl Effort {
    /// Seeds of the contract fuzz (2,500 claims each), the log, the list.
    const fn seeds(self) -> [u64; 3] {
        match self {
            Self::Bounded => [2, 1, 1],
            Self::Normal => [4, 3, 3],
            Self::Full => [20, 300, 100],
        }
    }

    /// Seeds of the two CPUs.
    const fn cpus_seeds(self) -> u64 {
        match self {
            Self::Bounded => 1,
            Self::Normal | Self::Full => 3,
        }
    }

    /// Seeds for each seeded bug.
    pub const fn mutant_seeds(self) -> u64 {
        match self {
            Self::Bounded => 1,
            Self::Normal | Self::Full => 3,
        }
    }
}

/// The runs of the correct build. None may report anything.
pub fn runs(cpu: Cpu, effort: Effort, seed: u64) -> Vec<Job> {
    let [contract, log, list] = effort.seeds();
    let own = cpu.profile();
    let mut jobs = vec![
        Job::new(cpu, "contract", own, seed, contract),
        Job::new(cpu, "log", own, seed, log),
        Job::new(cpu, "list", own, seed, list),
        Job::new(cpu, "rollback", own, seed, 1),
        Job::new(cpu, "tags", own, seed, 1),
        Job::new(cpu, "cpus", own, seed, effort.cpus_seeds()),
        Job::new(cpu, "copies", own, seed, list),
        Job::new(cpu, "words", own, seed, list),
        Job::new(cpu, "words", "torn8", seed, 1),
        Job::new(cpu, "deep", own, seed, list),
        Job::new(cpu, "deep", "eadr", seed, 1),
        Job::new(cpu, "contract", "eadr", seed, 1),
        Job::new(cpu, "log", "eadr", seed, 1),
        Job::new(cpu, "copies", "eadr", seed, 1),
        Job::new(cpu, "log", "torn8", seed, 1),
    ];
    // What a schedule shows does not depend on the lines' size.
    if cpu.line == 64 {
        let pairs = PAIRS.iter();
        jobs.extend(pairs.map(|(workload, _)| Job::new(cpu, workload, own, seed, 1)));
    }
    if cpu.arch == Arch::X86_64 {
        // One line without a barrier holds in program order; elsewhere it is a seeded bug.
        jobs.push(Job::new(cpu, "slots", own, seed, 1));
        jobs.push(Job::new(cpu, "contract", "amd", seed, 1));
        jobs.push(Job::new(cpu, "log", "amd", seed, 1));
    }
    jobs
}

/// Whether the job's workload is one of ours; the first CPU has all of them.
pub fn has(job: &Job) -> bool {
    let all = runs(CPUS[0], Effort::Normal, 1);
    all.iter().any(|it| it.workload == job.workload)
}
