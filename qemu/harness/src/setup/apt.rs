//! What to install with apt, as shell commands that are printed and run alike.

use super::sources;
use crate::{arch::Arch, process, tools::Need};
use anyhow::{Result, bail};
use std::{collections::BTreeSet, fs};

/// One step of the installation.
pub(super) struct Step {
    /// For the user.
    pub(super) what: &'static str,
    /// What is run.
    pub(super) shell: String,
    /// Whether to go on when it fails.
    pub(super) may_fail: bool,
}

const INSTALL: &str = "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends";

/// The steps that bring what is missing.
pub(super) fn plan(missing: &[Need]) -> Result<Vec<Step>> {
    let qemu = packages(missing, |need| match need {
        Need::Qemu(arch) => vec![arch.qemu_package()],
        _ => vec![],
    });
    let tools = packages(missing, |need| match need {
        Need::Qemu(_) => vec![],
        Need::Core(_) | Need::Sources => vec![
            "rustc-web",
            "cargo-web",
            "rust-web-src",
            "rust-web-clippy",
            "lld",
        ],
        Need::Linker => vec!["lld"],
        Need::Clippy => vec!["rust-web-clippy"],
        Need::Rustfmt => vec!["rustfmt-web"],
        Need::Objdump(arch) => vec![arch.objdump_package()],
        Need::Clang => vec!["clang"],
        Need::Libpmem2 => vec!["libpmem2-dev"],
        Need::Kbuild => vec!["make", "gcc-12", "libc6-dev", "libelf1"],
        Need::Strace => vec!["strace"],
        Need::Browser => vec!["chromium"],
    });
    if process::find("apt-get").is_none() {
        bail!(
            "set-up knows Debian's apt only; please install by hand: QEMU >= 10 for {}, \
             their objdumps, LLVM's lld, and `rustup target add {}`",
            Arch::ALL.map(Arch::name).join(", "),
            Arch::ALL.map(Arch::target).join(" ")
        );
    }
    let release = Release::read();
    let mut steps = Vec::new();
    let mut from = String::new();
    if !qemu.is_empty() && release.has_old_qemu() {
        let suite = format!("{}-backports", release.codename);
        if let Some(shell) = sources::enable(&release.codename, &suite)? {
            steps.push(Step {
                what: "enable Debian's backports, for QEMU 10",
                shell,
                may_fail: false,
            });
        }
        from = format!(" -t {suite}");
    }
    steps.push(Step {
        what: "fetch the lists of packages",
        shell: "apt-get update".to_owned(),
        // One broken source of a third party must not stop us: the next step will tell.
        may_fail: true,
    });
    if !qemu.is_empty() {
        steps.push(Step {
            what: "install QEMU (some 40 MB to fetch)",
            shell: format!("{INSTALL}{from} {}", qemu.join(" ")),
            may_fail: false,
        });
    }
    if !tools.is_empty() {
        steps.push(Step {
            what: "install compilers and tools (a compiler is some 200 MB to fetch, a browser 100)",
            shell: format!("{INSTALL} {}", tools.join(" ")),
            may_fail: false,
        });
    }
    Ok(steps)
}

fn packages(missing: &[Need], of: impl Fn(&Need) -> Vec<&'static str>) -> Vec<&'static str> {
    missing
        .iter()
        .flat_map(of)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// What /etc/os-release says.
pub(super) struct Release {
    id: String,
    version: String,
    pub(super) codename: String,
}

impl Release {
    pub(super) fn read() -> Self {
        let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let field = |key: &str| {
            let value = text
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.unwrap_or_default().trim_matches('"').to_owned()
        };
        Self {
            id: field("ID"),
            version: field("VERSION_ID"),
            codename: field("VERSION_CODENAME"),
        }
    }

    /// Debian 12's own QEMU is 7.2, and its backports have 10; Debian 13 begins with 10.
    fn has_old_qemu(&self) -> bool {
        self.id == "debian" && self.version == "12"
    }
}
