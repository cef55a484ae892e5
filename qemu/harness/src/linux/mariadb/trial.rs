//! A trial's first two boots: one to make the data directory, and one under the simulator, which
//! keeps an image for each commit.

use super::{Server, answer, patch};
use crate::{
    arch::Arch,
    boot::Vm,
    crash::{
        model, plugin,
        simulate::{self, Simulation},
    },
    image::Image,
    linux::{
        console::Console,
        crash::{outside, simulated_cpu},
        files::Given,
        guest::{Guest, Spec},
        nvdimm::Nvdimm,
    },
    machine::Machine,
    setup::closure::closure,
};
use anyhow::{Context, Result, bail, ensure};
use kpmem_findings::{Line, Point, Traced};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Server and client. What they depend on is there, too.
const PACKAGES: [&str; 2] = ["mariadb-server-core", "mariadb-client-core"];
/// A third of what they unpack to, which neither calls.
const LEFT_OUT: [&str; 8] = [
    "usr/bin/innochecksum",
    "usr/bin/mariadb-check",
    "usr/bin/mariadb-upgrade",
    "usr/bin/my_print_defaults",
    "usr/bin/resolveip",
    "usr/lib/aarch64-linux-gnu/gconv/",
    "usr/lib/x86_64-linux-gnu/gconv/",
    "usr/share/mysql/fill_help_tables.sql",
];
/// The release that has them.
const SUITE: &str = "bookworm";
/// Where the server is, in its package and in the guest.
const SERVER: &str = "usr/sbin/mariadbd";
/// Bytes of the NVDIMM.
pub(super) const SIZE: u64 = 64 << 20;
/// Those that the file system leaves alone, in which the mailbox is.
const TAIL: u64 = 64 << 10;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Instruction set of server and guest.
    pub arch: Arch,
    /// Which server.
    pub server: Server,
    /// How many rows are committed.
    pub commits: u64,
    /// Crash images to start the server on: so many, evenly spread.
    pub tried: u64,
    /// The platform; `None` for what the instruction set has.
    pub profile: Option<String>,
    /// What it promises beyond its profile, as the simulator takes it.
    pub platform: Vec<(&'static str, String)>,
    /// QEMU's CPU model; `None` for the one that Linux is simulated on.
    pub cpu: Option<String>,
    /// How long one boot may take.
    pub limit: Duration,
}

impl Trial {
    /// All that can be booted. What isn't there is downloaded or built.
    pub(super) fn make(&self) -> Result<Made<'_>> {
        let folder = tempfile::tempdir().context("cannot make a directory for crash images")?;
        let mut spec = Spec {
            size: SIZE,
            tail: TAIL,
            packages: PACKAGES.map(str::to_owned).to_vec(),
            left_out: &LEFT_OUT,
            files: vec![given(&outside::mark(self.arch)?, "/usr/bin/kpmem-mark")],
            script: include_str!("../guest/mariadb.sh").to_owned(),
            cpu: Some(
                self.cpu
                    .clone()
                    .unwrap_or(simulated_cpu(self.arch).to_owned()),
            ),
            ..Spec::new(self.arch, Nvdimm::Ext4)
        };
        let mut mended = 0;
        if self.server != Server::Stock {
            let path = folder.path().join("mariadbd");
            let model = spec.cpu.as_deref().unwrap_or(simulated_cpu(self.arch));
            mended = self.mend(&path, model::cpu(self.arch, model, None)?.line)?;
            spec.files.push(given(&path, &format!("/{SERVER}")));
        }
        Ok(Made {
            trial: self,
            guest: Guest::new(&spec)?,
            plugin: plugin::build()?,
            folder,
            mended,
        })
    }

    /// So many of all, evenly spread; the last one is among them.
    pub(super) fn is_tried(&self, number: u64) -> bool {
        let share = |number: u64| number * self.tried / self.commits;
        share(number) > share(number - 1)
    }

    /// Puts a changed copy of the server there, and returns how many loops were changed.
    fn mend(&self, to: &Path, line: usize) -> Result<usize> {
        let names = PACKAGES.map(str::to_owned);
        let packages = closure(self.arch, SUITE, &names)?;
        let mut roots = packages.iter().map(|it| it.root.join(SERVER));
        let stock = roots.find(|path| path.is_file());
        let stock = stock.with_context(|| format!("no package has /{SERVER}"))?;
        let (program, loops) = patch::changed(&fs::read(&stock)?, self.arch, self.server, line)?;
        fs::write(to, program)?;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
        Ok(loops)
    }
}

/// A trial's guest, which has not run yet.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub(super) trial: &'a Trial,
    /// Where the images of crashes are.
    pub(super) folder: TempDir,
    /// Flush loops that were mended.
    pub(super) mended: usize,
    guest: Guest,
    plugin: PathBuf,
}

/// What the commits left.
#[derive(Debug)]
pub(super) struct Committed<'a> {
    pub(super) made: &'a Made<'a>,
    /// Memory as it is at the end.
    pub(super) image: Image,
    pub(super) version: String,
    pub(super) points: Vec<Point>,
    pub(super) traced: Traced,
    /// How long it took, with the boot.
    pub(super) took: Duration,
}

impl Made<'_> {
    /// Commits one row after the other, under the simulator.
    pub(super) fn commit(&self) -> Result<Committed<'_>> {
        let trial = self.trial;
        let image = self.guest.image()?;
        self.boot(&self.guest.machine, &image, "task=prepare")
            .context("the data directory")?;
        let start = Instant::now();
        let (said, points, traced) = self.simulate(&image)?;
        let took = start.elapsed();
        eprintln!(
            "mariadb: {} commits by the {} server; lines that were not durable after each: {:?}",
            trial.commits,
            trial.server.name(),
            points.iter().map(|it| it.pending).collect::<Vec<_>>()
        );
        Ok(Committed {
            made: self,
            image,
            version: answer(&said, "version")?.to_owned(),
            points,
            traced,
            took,
        })
    }

    /// What the guest said, a point for each commit, and what the simulator saw.
    fn simulate(&self, image: &Image) -> Result<(String, Vec<Point>, Traced)> {
        let (trial, folder) = (self.trial, self.folder.path());
        let cpu = model::cpu(self.guest.machine.arch, &self.guest.machine.cpu, None)?;
        let simulation = Simulation {
            machine: self.guest.machine.clone(),
            kernel: &self.guest.kernel,
            args: String::new(),
            plugin: &self.plugin,
            base: self.guest.base,
            size: SIZE,
            line: cpu.line,
            zva: cpu.zva,
            profile: cpu.named_profile(trial.profile.as_deref())?,
            platform: [vec![("points", "1".to_owned())], trial.platform.clone()].concat(),
            words: false,
            seed: 1,
            samples: 0,
            enough: None,
            shard: (0, 1),
            only: None,
            hang: simulate::HANG,
            stall: trial.limit,
            limit: trial.limit,
            guest: Some(&self.guest),
            tried: simulate::Tried::Sampled,
            schedules: None,
        };
        let report = folder.join("report");
        let status = folder.join("status");
        let option = simulation.plugin_option(image, &report, &status, folder);
        let mut machine = self.guest.machine.clone();
        machine.extra.extend(["-plugin".to_owned(), option]);
        let task = format!("task=commit commits={}", trial.commits);
        let said = self.boot(&machine, image, &task).context("commits")?;
        let log = answer(&said, "said")?;
        ensure!(
            log.contains("memory-mapped"),
            "the server does not take its log for persistent memory: it says {log:?}"
        );
        let flags = answer(&said, "flags")?;
        ensure!(
            flags.split_whitespace().any(|it| it == "sf"),
            "the server does not map its log with MAP_SYNC: {flags}"
        );
        let mut points = Vec::new();
        let mut traced = None;
        for line in kpmem_findings::parse(&fs::read_to_string(&report)?)? {
            match line {
                Line::Point(point) => points.push(point),
                Line::Traced(it) => traced = Some(it),
                Line::Failure(failure) => bail!("the simulator is blind: {}", failure.what),
                Line::Flaw(flaw) => bail!("the simulator is blind: {}", flaw.what),
                Line::Explored(_) | Line::Sample(_) | Line::Schedule(_) | Line::Schedules(_) => {}
            }
        }
        ensure!(
            points.len() as u64 == trial.commits,
            "{} commits, and {} crash points",
            trial.commits,
            points.len()
        );
        let traced = traced.context("the simulator saw no end mark")?;
        Ok((said, points, traced))
    }

    /// Boots it, and returns what it said. The script ends well.
    pub(super) fn boot(&self, machine: &Machine, image: &Image, task: &str) -> Result<String> {
        let mut said = String::new();
        let mut console = Console::new(&self.guest.token);
        let vm = Vm::boot(machine, &self.guest.kernel, image, task)?;
        let end = vm.run(self.trial.limit, |line| {
            console.hear(&line, |text| said.push_str(text));
        })?;
        match console.ran() {
            Some(ran) if ran.status == 0 => Ok(said),
            Some(ran) => bail!("the guest's script ended with {}:\n{said}", ran.status),
            None => Err(console.why(end).context(format!("the guest said:\n{said}"))),
        }
    }

    /// What the server says on an image, which it changes.
    pub(super) fn recover(&self, image: &Image) -> Result<String> {
        self.boot(&self.guest.machine, image, "task=recover")
    }
}

fn given(host: &Path, guest: &str) -> Given {
    Given {
        host: host.to_owned(),
        guest: guest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_that_are_tried_are_spread() {
        let trial = |tried| Trial {
            arch: Arch::X86_64,
            server: Server::Stock,
            commits: 20,
            tried,
            profile: None,
            platform: Vec::new(),
            cpu: None,
            limit: Duration::ZERO,
        };
        let tried = |most| {
            (1..=20)
                .filter(|n| trial(most).is_tried(*n))
                .collect::<Vec<_>>()
        };
        assert_eq!(tried(20), (1..=20).collect::<Vec<_>>());
        assert_eq!(tried(4), [5, 10, 15, 20]);
        assert_eq!(tried(0), [0; 0]);
    }
}
