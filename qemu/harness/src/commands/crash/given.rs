//! Options that some of what `--linux` runs has no use for: to take them in silence would mislead.

use super::Args;
use anyhow::{Result, bail};

/// An option, and whether it was given.
pub(super) type Known = (&'static str, bool);

impl Args {
    /// Those of our own kernels' campaign.
    pub(super) fn of_campaign(&self) -> [Known; 3] {
        [
            ("--full", self.full),
            ("--line", self.line.is_some()),
            ("--replay", self.replay.is_some()),
        ]
    }

    /// Those that describe the guest of a program.
    pub(super) fn of_guest(&self) -> [Known; 9] {
        let it = &self.program;
        [
            ("--nvdimm", it.nvdimm.is_some()),
            ("--package", !it.packages.is_empty()),
            ("--suite", it.suite.is_some()),
            ("--release", it.release.is_some()),
            ("--file", !it.files.is_empty()),
            ("--ram", it.ram.is_some()),
            ("--recover", it.recover.is_some()),
            ("--size", self.own.size.is_some()),
            ("--smp", self.own.smp > 1),
        ]
    }

    /// Those that say which crash images are tried, and how.
    pub(super) fn of_images(&self) -> [Known; 5] {
        let it = &self.program;
        [
            ("--every-barrier", it.every_barrier),
            ("--hang", it.hang.is_some()),
            ("--reboots", it.reboots.is_some()),
            ("--shard", self.shard.is_some()),
            ("--seed", self.seed != 1),
        ]
    }

    /// Those that describe the platform, and how long all may take.
    pub(super) fn of_platform(&self) -> [Known; 4] {
        [
            ("--profile", self.profile.is_some()),
            ("--cpu", self.own.cpu.is_some()),
            ("--reach, --domain or --ack", self.platform.is_given()),
            ("--timeout", self.program.timeout.is_some()),
        ]
    }
}

/// An error if one of them was given, which has no meaning for `what`.
pub(super) fn none_of(options: &[Known], what: &str) -> Result<()> {
    match options.iter().find(|(_, given)| *given) {
        Some((option, _)) => bail!("{option} has no meaning for {what}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::run, *};
    use clap::Parser;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn an_option_without_a_meaning_is_refused() {
        for (words, option) in [
            ("--full -- true", "--full"),
            ("--line 64 -- true", "--line"),
            ("--ram 512", "--ram"),
            ("--nvdimm ext4", "--nvdimm"),
            ("--recover true", "--recover"),
            ("--shard 0/2", "--shard"),
            ("--cpu max", "--cpu"),
            ("--reach pop", "--reach"),
            ("--workload ext4 --nvdimm xfs", "--nvdimm"),
            ("--workload libpmem2 --smp 2", "--smp"),
            ("--workload mariadb --reboots 1", "--reboots"),
            ("--workload mariadb --package hello", "--package"),
        ] {
            let all = ["crash", "--linux"].into_iter().chain(words.split(' '));
            let args = Words::try_parse_from(all).unwrap().args;
            let error = run(&args).unwrap_err().to_string();
            assert!(error.starts_with(option), "{words}: {error}");
            assert!(error.contains("no meaning"), "{words}: {error}");
        }
    }
}
