//! The boots of a trial: one to make the data directory, one under the simulator, and one on each
//! image that it kept.

use super::{Found, Moment, Outcome, Server, answer, patch};
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
        crash::outside,
        files::Given,
        guest::{Guest, Spec},
        nvdimm::Nvdimm,
    },
    machine::Machine,
    parallel,
    setup::closure::closure,
};
use anyhow::{Context, Result, bail, ensure};
use kpmem_findings::{Line, Point, Traced};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

/// Server and client. What they depend on is there, too.
const PACKAGES: [&str; 2] = ["mariadb-server-core", "mariadb-client-core"];
/// The release that has them.
const SUITE: &str = "bookworm";
/// Where the server is, in its package and in the guest.
const SERVER: &str = "usr/sbin/mariadbd";
/// Bytes of the NVDIMM, and of what the file system leaves alone, in which the mailbox is.
const SIZE: u64 = 64 << 20;
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
    /// What the platform promises beyond its profile, as the simulator takes it.
    pub platform: Vec<(&'static str, String)>,
    /// How long one boot may take.
    pub limit: Duration,
}

impl Trial {
    /// Tries it.
    pub fn run(&self) -> Result<Outcome> {
        let folder = tempfile::tempdir().context("cannot make a directory for crash images")?;
        let mut mended = 0;
        let mut spec = Spec {
            size: SIZE,
            tail: TAIL,
            packages: PACKAGES.map(str::to_owned).to_vec(),
            files: vec![given(&outside::mark(self.arch)?, "/usr/bin/kpmem-mark")],
            script: include_str!("../guest/mariadb.sh").to_owned(),
            cpu: cpu(self.arch).map(str::to_owned),
            ..Spec::new(self.arch, Nvdimm::Ext4)
        };
        if self.server != Server::Stock {
            let path = folder.path().join("mariadbd");
            mended = self.mend(&path)?;
            spec.files.push(given(&path, &format!("/{SERVER}")));
        }
        let guest = Guest::new(&spec)?;
        let image = guest.image()?;
        self.boot(&guest, &guest.machine, &image, "task=prepare")
            .context("the data directory")?;
        let start = Instant::now();
        let (said, points, traced) = self.commit(&guest, &image, folder.path())?;
        let commits = start.elapsed().as_secs_f64();
        eprintln!(
            "mariadb: {} commits by the {} server; lines that were not durable after each: {:?}",
            self.commits,
            self.server.name(),
            points.iter().map(|it| it.pending).collect::<Vec<_>>()
        );
        let start = Instant::now();
        let all = self.recover(&guest, &image).context("without a crash")?;
        ensure!(
            all.lost(self.commits).is_empty(),
            "rows are missing where nothing was lost: {:?}",
            all.rows
        );
        let each = parallel::map(&points, |point| {
            let found = self.is_tried(point.number).then(|| -> Result<Found> {
                let path = folder.path().join(&point.file);
                let found = self.recover(&guest, &Image::open(&path, SIZE)?);
                // They would fill a disk.
                fs::remove_file(&path)?;
                let found = found.with_context(|| format!("after {} commits", point.number))?;
                eprintln!(
                    "mariadb: a crash after {} commits loses {:?}",
                    point.number,
                    found.lost(point.number)
                );
                Ok(found)
            });
            Ok(Moment {
                acknowledged: point.number,
                pending: point.pending,
                found: found.transpose()?,
            })
        });
        let moments: Vec<_> = each.into_iter().collect::<Result<_>>()?;
        let boots = 1 + moments.iter().filter(|it| it.found.is_some()).count();
        Ok(Outcome {
            server: self.server,
            arch: self.arch,
            version: answer(&said, "version")?.to_owned(),
            mended,
            moments,
            all,
            traced: [traced.stores, traced.flushes, traced.fences],
            seconds: [commits, start.elapsed().as_secs_f64() / boots as f64],
        })
    }

    /// So many of all, evenly spread; the last one is among them.
    fn is_tried(&self, number: u64) -> bool {
        let share = |number: u64| number * self.tried / self.commits;
        share(number) > share(number - 1)
    }

    /// The commits, under the simulator.
    fn commit(
        &self,
        guest: &Guest,
        image: &Image,
        folder: &Path,
    ) -> Result<(String, Vec<Point>, Traced)> {
        let cpu = model::cpu(guest.machine.arch, &guest.machine.cpu, None)?;
        let simulation = Simulation {
            machine: guest.machine.clone(),
            kernel: &guest.kernel,
            args: String::new(),
            plugin: &plugin::build()?,
            base: guest.base,
            size: SIZE,
            line: cpu.line,
            zva: cpu.zva,
            profile: cpu.profile(),
            platform: [vec![("points", "1".to_owned())], self.platform.clone()].concat(),
            words: false,
            seed: 1,
            samples: 0,
            enough: None,
            shard: (0, 1),
            only: None,
            hang: simulate::HANG,
            stall: self.limit,
            limit: self.limit,
            guest: Some(guest),
            tried: simulate::Tried::Sampled,
            schedules: None,
        };
        let report = folder.join("report");
        let status = folder.join("status");
        let option = simulation.plugin_option(image, &report, &status, folder);
        let mut machine = guest.machine.clone();
        machine.extra.extend(["-plugin".to_owned(), option]);
        let task = format!("task=commit commits={}", self.commits);
        let said = self
            .boot(guest, &machine, image, &task)
            .context("commits")?;
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
            points.len() as u64 == self.commits,
            "{} commits, and {} crash points",
            self.commits,
            points.len()
        );
        let traced = traced.context("the simulator saw no end mark")?;
        Ok((said, points, traced))
    }

    /// Puts a changed copy of the server there, and returns how many loops were changed.
    fn mend(&self, to: &Path) -> Result<usize> {
        let names = PACKAGES.map(str::to_owned);
        let packages = closure(self.arch, SUITE, &names)?;
        let mut roots = packages.iter().map(|it| it.root.join(SERVER));
        let stock = roots.find(|path| path.is_file());
        let stock = stock.with_context(|| format!("no package has /{SERVER}"))?;
        let (program, loops) = patch::changed(&fs::read(&stock)?, self.arch, self.server, 64)?;
        fs::write(to, program)?;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
        Ok(loops)
    }

    /// What the server finds on an image, which it changes.
    fn recover(&self, guest: &Guest, image: &Image) -> Result<Found> {
        Found::of(&self.boot(guest, &guest.machine, image, "task=recover")?)
    }

    /// Boots it, and returns what it said. The script ends well.
    fn boot(&self, guest: &Guest, machine: &Machine, image: &Image, task: &str) -> Result<String> {
        let mut said = String::new();
        let mut console = Console::new(&guest.token);
        let vm = Vm::boot(machine, &guest.kernel, image, task)?;
        let end = vm.run(self.limit, |line| {
            console.hear(&line, |text| said.push_str(text));
        })?;
        match console.ran() {
            Some(ran) if ran.status == 0 => Ok(said),
            Some(ran) => bail!("the guest's script ended with {}:\n{said}", ran.status),
            None => Err(console.why(end).context(format!("the guest said:\n{said}"))),
        }
    }
}

/// Linux copies by `CPY` and `SET` where a CPU has them, which the simulator does not see, and QEMU's
/// newest has. A Neoverse N1 is a server's CPU with `dc cvap`.
fn cpu(arch: Arch) -> Option<&'static str> {
    (arch == Arch::Aarch64).then_some("neoverse-n1")
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
            platform: Vec::new(),
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
