//! `kpmem-crash`: the crash simulator as a tool of its own. It does what `cargo xtask judge` and
//! `cargo xtask crash` do in a checkout; the sources that these compile are in the binary.

mod needs;
#[cfg(test)]
#[path = "../pack.rs"]
mod pack;
mod sources;

use anyhow::Result;
use kpmem_harness::{caller, commands, setup, workspace};
use std::{env, ffi::OsString, process::ExitCode};

const HELP: &str = "\
kpmem-crash: cut the power of programs that use persistent memory, in every way that the CPU allows

  kpmem-crash judge FILE --persist SYMBOL    a flush function that you already have
  kpmem-crash kernel FILE [OPTIONS]          a kernel that says kpmem-marks
  kpmem-crash linux [OPTIONS] -- PROGRAM     a program in a Linux out of Debian's packages
  kpmem-crash replay NAME [OPTIONS]          a failure, by the name that was printed for it
  kpmem-crash merge FILE...                  the reports of all shards, as one

Each tells its options with --help.";

fn main() -> ExitCode {
    match run(env::args_os().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: Vec<OsString>) -> Result<ExitCode> {
    let first = words.first().and_then(|word| word.to_str()).unwrap_or("");
    let Some(command) = harness_words(first) else {
        if ["", "help", "-h", "--help"].contains(&first) {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        anyhow::bail!("{first:?} is none of judge, kernel, linux, replay and merge");
    };
    let second = words.get(1).and_then(|word| word.to_str());
    let asks = matches!(second, Some("-h" | "--help"));
    let says_what = second.is_some_and(|word| !word.starts_with('-'));
    if command.len() > 1 && first != "linux" && !asks && !says_what {
        anyhow::bail!("{first} of what? `kpmem-crash {first} --help` tells the options");
    }
    setup::settle(needs::of(&words));
    // The options are those of one command, whatever it is about.
    let command = if asks { &command[..1] } else { command };
    words.splice(..1, command.iter().map(OsString::from));
    caller::is_the_tool();
    workspace::settle(sources::unpacked()?);
    commands::run(words)
}

/// The same in the words of the harness.
fn harness_words(subcommand: &str) -> Option<&'static [&'static str]> {
    Some(match subcommand {
        "judge" => &["judge"],
        "kernel" => &["crash", "--kernel"],
        "linux" => &["crash", "--linux"],
        "replay" => &["crash", "--replay"],
        "merge" => &["crash", "--merge"],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_word_is_about_must_be_said() {
        for words in [&["kernel"][..], &["merge"], &["replay", "--seed"]] {
            let words = words.iter().map(OsString::from).collect();
            let error = run(words).unwrap_err().to_string();
            assert!(error.contains("of what?"), "{error}");
        }
    }

    #[test]
    fn what_it_does_not_know_is_an_error() {
        let error = run(vec!["campaign".into()]).unwrap_err().to_string();
        assert!(error.contains("campaign"), "{error}");
    }
}
