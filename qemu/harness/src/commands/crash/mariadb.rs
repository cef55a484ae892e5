//! `cargo xtask crash --linux --workload mariadb`: Debian's server, and a copy with its flush loops
//! mended.

use super::Args;
use crate::{
    arch::Arch,
    linux::mariadb::{Outcome, Server, Trial},
    setup,
    tools::Need,
};
use anyhow::{Result, bail, ensure};
use std::{process::ExitCode, time::Duration};

/// What is said of the words behind `--`.
const WORDS: &str = "the workload mariadb takes: -- [COMMITS [IMAGES [stock|mended]]], at most 99 \
                     commits and at most one image of each";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    commits: u64,
    tried: u64,
    servers: Vec<Server>,
}

/// The words behind `--`.
fn asked(words: &[String]) -> Result<Asked> {
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
    let commits = number(0, 20)?;
    let tried = number(1, commits)?;
    ensure!(tried <= commits && words.len() <= 3, "{WORDS}");
    let servers = match words.get(2).map(String::as_str) {
        None => vec![Server::Stock, Server::Mended],
        Some("stock") => vec![Server::Stock],
        Some("mended") => vec![Server::Mended],
        Some(other) => bail!("{other:?} is no server: {WORDS}"),
    };
    Ok(Asked {
        commits,
        tried,
        servers,
    })
}

pub(super) fn run(args: &Args, words: &[String], limit: Duration) -> Result<ExitCode> {
    let Asked {
        commits,
        tried,
        servers,
    } = asked(words)?;
    ensure!(
        matches!(args.arch[..], [] | [Arch::X86_64]),
        "the workload mariadb is for x86_64"
    );
    setup::ensure_these(&[Need::Qemu(Arch::X86_64)])?;
    let mut lost = false;
    for server in servers {
        let trial = Trial {
            server,
            commits,
            tried,
            limit,
        };
        let outcome = trial.run()?;
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

    fn of(words: &str) -> Result<Asked> {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        asked(&words)
    }

    #[test]
    fn words_say_how_many_and_which() {
        let all = of("").unwrap();
        assert_eq!((all.commits, all.tried, all.servers.len()), (20, 20, 2));
        let some = of("6 2 mended").unwrap();
        assert_eq!((some.commits, some.tried), (6, 2));
        assert_eq!(some.servers, [Server::Mended]);
        for wrong in ["0", "100", "x", "2 3", "2 2 other", "2 2 stock more"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
