//! Options that describe a machine: of a kernel of one's own, and of what its platform promises.

use crate::{arch::Arch, crash::plan::Cpu};
use anyhow::{Result, bail};

/// The machine of a kernel of your own.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OwnArgs {
    /// CPUs of that kernel's machine.
    #[arg(long, requires = "subject", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(super) smp: u32,
    /// QEMU's CPU model with properties, for that kernel.
    #[arg(long, requires = "subject", value_name = "MODEL")]
    pub(super) cpu: Option<String>,
    /// Bytes of that kernel's persistent memory, with the mailbox: whole mebibytes [default: 1M; of
    /// Linux as of `cargo xtask linux`].
    #[arg(long, requires = "subject", value_parser = size)]
    pub(super) size: Option<u64>,
}

/// What a platform promises beyond its profile.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Platform {
    /// Arm: how far a clean must go to be durable.
    #[arg(long, value_parser = ["poc", "pop", "podp"])]
    reach: Option<String>,
    /// Arm: the narrowest domain that the persistent memory is in.
    #[arg(long, value_parser = ["inner", "outer", "system"])]
    domain: Option<String>,
    /// RISC-V: what acknowledges a claim, a device write or a store to memory.
    #[arg(long, value_parser = ["mmio", "memory"])]
    ack: Option<String>,
}

impl Platform {
    /// Whether anything of it was said.
    pub(super) fn is_given(&self) -> bool {
        [&self.reach, &self.domain, &self.ack]
            .iter()
            .any(|it| it.is_some())
    }

    /// As the simulator takes them.
    pub(super) fn pairs(&self, cpu: Cpu) -> Result<Vec<(&'static str, String)>> {
        let given = [
            ("reach", &self.reach, Arch::Aarch64),
            ("domain", &self.domain, Arch::Aarch64),
            ("ack", &self.ack, Arch::Riscv64),
        ];
        let mut pairs = Vec::new();
        for (key, value, arch) in given {
            let Some(value) = value else { continue };
            if arch != cpu.arch {
                bail!("--{key} is for {arch} alone, and this is for {}", cpu.arch);
            }
            pairs.push((key, value.clone()));
        }
        Ok(pairs)
    }
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['M', 'm']) {
        Some(digits) => (digits, 1 << 20),
        None => (text, 1),
    };
    let bytes = digits.parse().ok().and_then(|n: u64| n.checked_mul(unit));
    match bytes {
        Some(bytes) if bytes > 0 && bytes.is_multiple_of(1 << 20) && bytes <= 1 << 30 => Ok(bytes),
        _ => Err("not whole mebibytes from 1M to 1024M".to_owned()),
    }
}
