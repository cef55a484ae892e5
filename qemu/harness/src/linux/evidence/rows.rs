//! The rows, and how they are tried.

use super::{
    Seen, Shown,
    Wrong::{self, ClaimsAndImages, Images, Nothing},
};
use crate::{
    arch::Arch::{self, Aarch64, Riscv64, X86_64},
    crash::simulate::Tried,
    linux::{
        crash::named::named,
        guest::Guest,
        mariadb::{self, Server, Trial},
        module::Build,
        simulated,
    },
    parallel,
};
use anyhow::{Context, Result, anyhow};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A workload by its name.
struct Workload {
    arch: Arch,
    name: &'static str,
    words: &'static str,
    documented: Wrong,
    /// Crashes before each barrier, too, where a command recovers.
    every_barrier: bool,
    /// Crash images that are booted from.
    reboots: usize,
}

const fn row(arch: Arch, name: &'static str, words: &'static str, documented: Wrong) -> Workload {
    Workload {
        arch,
        name,
        words,
        documented,
        every_barrier: false,
        reboots: 0,
    }
}

/// A row whose kind of guest is shown to recover as a new boot does.
const fn booted(row: Workload) -> Workload {
    Workload { reboots: 1, ..row }
}

/// The first takes longest. What is careless is a control.
const WORKLOADS: [Workload; 20] = [
    Workload {
        every_barrier: true,
        ..booted(row(X86_64, "ext4", "append 1", Images))
    },
    row(X86_64, "ext4", "append 8", Nothing),
    row(X86_64, "ext4", "mapped 8", Nothing),
    row(X86_64, "ext4", "files 4", Nothing),
    row(X86_64, "ext4", "mapped 4 careless", Images),
    row(X86_64, "libpmemobj", "btree 1", Nothing),
    row(X86_64, "libpmemobj", "fifo 1", Nothing),
    booted(row(X86_64, "libpmemobj", "hashmap_atomic 1", Nothing)),
    row(X86_64, "libpmemobj", "btree 1 careless", Images),
    booted(row(X86_64, "pmem-block", "direct 8", Nothing)),
    row(X86_64, "pmem-block", "buffered 8", Nothing),
    row(X86_64, "pmem-block", "buffered 8 careless", Images),
    booted(row(X86_64, "libpmem2", "copy 8", Images)),
    row(X86_64, "libpmem2", "persist 8", Nothing),
    booted(row(Aarch64, "libpmem2", "persist 8", ClaimsAndImages)),
    row(Aarch64, "libpmem2", "persist 8 dsb", Nothing),
    booted(row(Riscv64, "libpmem2", "persist 8", ClaimsAndImages)),
    row(X86_64, "kpmem", "copy 8", Nothing),
    row(Aarch64, "kpmem", "persist 8", Nothing),
    row(X86_64, "kpmem", "persist 4 careless", ClaimsAndImages),
];

/// MariaDB's servers: how many commits each makes, and on the images of how many it is started.
/// The rest of them is for `--workload mariadb`.
const SERVERS: [(Arch, Server, [u64; 2], Wrong); 6] = [
    (X86_64, Server::Stock, [20, 20], Images),
    (X86_64, Server::Mended, [20, 10], Nothing),
    (Aarch64, Server::Stock, [8, 8], Images),
    (Aarch64, Server::Lines, [8, 4], Images),
    (Aarch64, Server::Barrier, [8, 4], Images),
    (Aarch64, Server::Mended, [8, 8], Nothing),
];

/// kpmem's own module of Linux.
const MODULES: [(Arch, Build, Wrong); 6] = [
    (X86_64, Build::Crash, Nothing),
    (X86_64, Build::Unflushed, ClaimsAndImages),
    (Aarch64, Build::Crash, Nothing),
    (Aarch64, Build::Unflushed, ClaimsAndImages),
    (Riscv64, Build::Crash, Nothing),
    (Riscv64, Build::Unflushed, ClaimsAndImages),
];

/// A row may take so long, and so may each boot of a server.
const LIMIT: Duration = Duration::from_secs(1200);
/// A command that recovers may take so long.
const HANG: Duration = Duration::from_secs(60);

/// Tries those of these instruction sets, as many at a time as there are CPUs. Each row is told
/// when it is done.
pub fn run(arches: &[Arch], tell: impl Fn(&Shown) + Sync) -> Vec<Shown> {
    let workloads = WORKLOADS.iter().map(Row::Workload);
    let modules = MODULES.iter().map(Row::Module);
    let rows: Vec<_> = workloads.chain(modules).collect();
    let chosen = rows.iter().filter(|row| arches.contains(&row.arch()));
    // They have programs and packages in common: two at a time would write the same files.
    let making = Mutex::new(());
    let mut shown = parallel::map(&chosen.collect::<Vec<_>>(), |row| {
        let shown = row.shown(&making);
        tell(&shown);
        shown
    });
    for arch in arches {
        let servers = servers(*arch);
        servers.iter().for_each(&tell);
        shown.extend(servers);
    }
    shown
}

/// A row that has no other beside it.
enum Row<'a> {
    Workload(&'a Workload),
    Module(&'a (Arch, Build, Wrong)),
}

impl Row<'_> {
    fn arch(&self) -> Arch {
        match self {
            Self::Workload(it) => it.arch,
            Self::Module((arch, ..)) => *arch,
        }
    }

    fn shown(&self, making: &Mutex<()>) -> Shown {
        let (command, documented, seen) = match self {
            Self::Workload(it) => (it.command(), it.documented, it.seen(making)),
            Self::Module((arch, build, documented)) => {
                let how = match build {
                    Build::Unflushed => "unflushed",
                    _ => "as it is",
                };
                let command = format!("linux-module{} ({how})", option(*arch));
                (command, *documented, module(*arch, *build, making))
            }
        };
        Shown {
            arch: self.arch(),
            command,
            documented,
            seen,
        }
    }
}

/// kpmem's own module, in Debian's kernel.
fn module(arch: Arch, build: Build, making: &Mutex<()>) -> Result<Seen> {
    let start = Instant::now();
    let one = making.lock().unwrap_or_else(PoisonError::into_inner);
    let run = simulated::prepared(arch, build)?;
    drop(one);
    let seen = run()?;
    Ok(Seen::of_module(&seen, start.elapsed().as_secs_f64()))
}

impl Workload {
    fn command(&self) -> String {
        let Self { name, words, .. } = self;
        let barriers = if self.every_barrier {
            " --every-barrier"
        } else {
            ""
        };
        simulated_by(self.arch, &format!("{name}{barriers} -- {words}"))
    }

    fn seen(&self, making: &Mutex<()>) -> Result<Seen> {
        let start = Instant::now();
        let one = making.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<_> = self.words.split(' ').collect();
        let mut trial = named(self.arch, self.name, &words)?;
        (trial.reboots, trial.limit) = (self.reboots, LIMIT);
        if trial.tried == Tried::FewAtMarks {
            trial.hang = HANG;
        }
        if self.every_barrier {
            trial.tried = Tried::Few;
        }
        let guest = Guest::new(&trial.spec)?;
        drop(one);
        let done = trial.run_in(&guest)?;
        let run = done.runs.first().context("no workload was seen")?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Seen::of_run(run, self.reboots > 0, seconds))
    }
}

/// What is typed to try a workload alone.
fn simulated_by(arch: Arch, workload: &str) -> String {
    format!("crash --linux{} --workload {workload}", option(arch))
}

fn option(arch: Arch) -> String {
    match arch {
        X86_64 => String::new(),
        _ => format!(" --arch {arch}"),
    }
}

/// The servers of an instruction set, whose commits and starts are tried beside each other.
fn servers(arch: Arch) -> Vec<Shown> {
    let rows: Vec<_> = SERVERS.iter().filter(|row| row.0 == arch).collect();
    let trials = rows
        .iter()
        .map(|(arch, server, [commits, tried], _)| Trial {
            arch: *arch,
            server: *server,
            commits: *commits,
            tried: *tried,
            profile: None,
            platform: Vec::new(),
            cpu: None,
            limit: LIMIT,
        });
    let mut seen: Vec<Result<Seen>> = match mariadb::run(&trials.collect::<Vec<_>>()) {
        Ok(outcomes) => outcomes.iter().map(|it| Ok(Seen::of_server(it))).collect(),
        Err(error) => rows.iter().map(|_| Err(anyhow!("{error:#}"))).collect(),
    };
    let shown = rows.iter().zip(seen.drain(..));
    let shown = shown.map(
        |((arch, server, [commits, tried], documented), seen)| Shown {
            arch: *arch,
            command: simulated_by(
                *arch,
                &format!("mariadb -- {commits} {tried} {}", server.name()),
            ),
            documented: *documented,
            seen,
        },
    );
    shown.collect()
}
