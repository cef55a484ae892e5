//! `cargo xtask crash --linux --workload mariadb`: Debian's server, and copies with its flush loops
//! mended, in whole and on Arm in part.

use super::{Args, given::none_of};
use crate::{
    arch::Arch,
    crash::plan::CPUS,
    linux::mariadb::{self, Outcome, Server, Trial},
    setup,
    tools::Need,
};
use anyhow::{Context, Result, bail, ensure};
use std::process::ExitCode;

/// What is said of the words behind `--`.
const WORDS: &str = "the workload mariadb takes: -- [COMMITS [IMAGES [SERVER]]], at most 99 \
                     commits and at most one image of each; SERVER is stock or mended, and on \
                     aarch64 lines or barrier: of which only that is mended";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    commits: u64,
    tried: u64,
    servers: Vec<Server>,
}

/// The words behind `--`.
fn asked(arch: Arch, words: &[String]) -> Result<Asked> {
    let number = |at: usize, default: u64| -> Result<u64> {
        let Some(word) = words.get(at) else {
            return Ok(default);
        };
        let number = word.parse().ok().filter(|it| (1..=99).contains(it));
        match number {
            Some(number) => Ok(number),
            None => bail!("{word:?} is no number from 1 to 99: {WORDS}"),
        }
    };
    let all = Server::of(arch)?;
    let commits = number(0, if arch == Arch::X86_64 { 20 } else { 8 })?;
    let tried = number(1, commits)?;
    ensure!(tried <= commits && words.len() <= 3, "{WORDS}");
    let servers = match words.get(2).map(String::as_str) {
        None => all.to_vec(),
        Some(name) => match all.iter().find(|it| it.name() == name) {
            Some(server) => vec![*server],
            None => bail!("{name:?} is no server for {arch}: {WORDS}"),
        },
    };
    Ok(Asked {
        commits,
        tried,
        servers,
    })
}

pub(super) fn run(args: &Args, words: &[String]) -> Result<ExitCode> {
    none_of(&args.of_guest(), "the workload mariadb")?;
    none_of(&args.of_images(), "the workload mariadb")?;
    let arch = match args.arch[..] {
        [] => Arch::X86_64,
        [arch] => arch,
        _ => bail!("one run of the workload mariadb is for one --arch"),
    };
    let Asked {
        commits,
        tried,
        servers,
    } = asked(arch, words)?;
    let planned = CPUS.iter().find(|cpu| cpu.arch == arch);
    let platform = args
        .platform
        .pairs(*planned.context("no CPU is planned for it")?)?;
    setup::ensure_these(&[Need::Qemu(arch)])?;
    let trials = servers.into_iter().map(|server| Trial {
        arch,
        server,
        commits,
        tried,
        profile: args.profile.clone(),
        platform: platform.clone(),
        cpu: args.own.cpu.clone(),
        limit: args.program.limit(),
    });
    let mut lost = false;
    for outcome in mariadb::run(&trials.collect::<Vec<_>>())? {
        print!("{outcome}");
        lost |= told(&outcome);
    }
    if lost {
        println!("FAILED: see above.");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says in a sentence what was lost; whether something was.
fn told(outcome: &Outcome) -> bool {
    let lost = outcome.lost().count();
    let (server, tried) = (outcome.server.name(), outcome.tried());
    if lost == 0 {
        println!("{server}: no acknowledged commit is lost in {tried} crashes.");
    } else {
        println!("{server}: acknowledged commits are lost in {lost} of {tried} crashes.");
    }
    lost > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arch: Arch, words: &str) -> Result<Asked> {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        asked(arch, &words)
    }

    #[test]
    fn words_say_how_many_and_which() {
        let x86 = |words| of(Arch::X86_64, words);
        let all = x86("").unwrap();
        assert_eq!((all.commits, all.tried, all.servers.len()), (20, 20, 2));
        let some = x86("6 2 mended").unwrap();
        assert_eq!((some.commits, some.tried), (6, 2));
        assert_eq!(some.servers, [Server::Mended]);
        let arm = of(Arch::Aarch64, "").unwrap();
        assert_eq!((arm.commits, arm.tried, arm.servers.len()), (8, 8, 4));
        let lines = of(Arch::Aarch64, "2 1 lines").unwrap();
        assert_eq!(lines.servers, [Server::Lines]);
        for wrong in [
            "0",
            "100",
            "x",
            "2 3",
            "2 2 other",
            "2 2 stock more",
            "2 2 lines",
        ] {
            assert!(x86(wrong).is_err(), "{wrong}");
        }
        assert!(of(Arch::Riscv64, "").is_err());
    }
}
