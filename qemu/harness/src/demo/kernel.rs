//! One boot of the demo kernel.

use crate::{
    boot::{End, Vm},
    image::Image,
    machine::Machine,
    protocol::{self, Recovered},
    serial::{Line, NoLine},
};
use anyhow::{Context, Result, bail};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// To boot, recover and acknowledge the first record. Much longer than it takes, for busy hosts.
const LIMIT: Duration = Duration::from_secs(180);

/// What was seen of one boot.
#[derive(Debug)]
pub(super) struct Boot {
    /// What recovery found before anything was appended.
    pub(super) recovered: Recovered,
    /// How many records the log has by the acknowledgements; none if nothing was acknowledged.
    pub(super) acknowledged: Option<u64>,
    /// Whether the log filled up before the power was cut.
    pub(super) full: bool,
}

/// Boots in `mode` and cuts the power `delay` after the first acknowledgement.
///
/// Linux was seen to reset its machine before it said a word, once in some 250 boots on a busy
/// host. Nothing of ours has run then, for the first process says that it runs: it is booted again,
/// once.
pub(super) fn cut(
    machine: &Machine,
    kernel: &Path,
    image: &Image,
    mode: &str,
    seed: u64,
    delay: Duration,
) -> Result<Boot> {
    let args = format!("mode={mode} seed={seed}");
    let once = || cut_once(machine, kernel, image, &args, delay);
    if let Some(boot) = once()? {
        return Ok(boot);
    }
    eprintln!("Linux reset its machine without a word; it is booted again");
    once()?.context("Linux reset its machine twice without a word")
}

/// The same; none if Linux reset its machine without a word.
fn cut_once(
    machine: &Machine,
    kernel: &Path,
    image: &Image,
    args: &str,
    delay: Duration,
) -> Result<Option<Boot>> {
    let mut vm = Vm::boot(machine, kernel, image, args)?;
    let mut log = Transcript::default();
    let mut deadline = Instant::now() + LIMIT;
    let mut cut_at = None;
    loop {
        match vm.line(deadline) {
            Ok(line) => log.read(&line)?,
            Err(NoLine::TimedOut) if cut_at.is_some() => break,
            Err(NoLine::TimedOut) => {
                bail!("no acknowledgement within {} s{log}", LIMIT.as_secs())
            }
            Err(NoLine::Closed) if log.full || log.torn() => break,
            Err(NoLine::Closed) if log.last.is_empty() && machine.linux.is_some() => {
                return Ok(None);
            }
            Err(NoLine::Closed) => {
                let end = vm.run(LIMIT, |_| {})?;
                bail!("the machine ended before its power was cut: {end}{log}");
            }
        }
        if cut_at.is_none() && log.acknowledged.is_some() {
            deadline = Instant::now() + delay;
            cut_at = Some(deadline);
        }
    }
    // What is still in the pipe was said before the power went.
    for line in vm.cut()? {
        log.read(&line)?;
    }
    log.boot().map(Some)
}

/// Boots and only recovers.
pub(super) fn recover(
    machine: &Machine,
    kernel: &Path,
    image: &Image,
    seed: u64,
) -> Result<Recovered> {
    let vm = Vm::boot(machine, kernel, image, &format!("mode=recover seed={seed}"))?;
    let mut log = Transcript::default();
    let mut wrong = None;
    let end = vm.run(LIMIT, |line| {
        wrong = wrong.take().or(log.read(&line).err());
    })?;
    match (wrong, end) {
        (Some(error), _) => Err(error),
        // A kernel that finds a torn record leaves everything as it is, and exits with an error.
        (None, End::Exit(_)) if log.torn() => Ok(log.boot()?.recovered),
        (None, End::Exit(0)) => Ok(log.boot()?.recovered),
        (None, end) => bail!("recovery failed: {end}{log}"),
    }
}

/// What the kernel said, read as it comes.
#[derive(Debug, Default)]
struct Transcript {
    recovered: Option<Recovered>,
    acknowledged: Option<u64>,
    full: bool,
    last: Vec<String>,
}

impl Transcript {
    fn read(&mut self, line: &Line) -> Result<()> {
        // The power went in the middle of it.
        if !line.complete {
            return Ok(());
        }
        let text = line.text.as_str();
        self.last.push(text.to_owned());
        if self.last.len() > 8 {
            self.last.remove(0);
        }
        if protocol::is_crash(text) {
            bail!("the kernel crashed{self}");
        }
        if let Some(recovered) = Recovered::parse(text) {
            self.recovered = Some(recovered);
        } else if let Some(seq) = protocol::ack(text) {
            let expected = self.acknowledged.or(self.recovered.map(|found| found.next));
            if expected != Some(seq) {
                bail!("record {seq} is acknowledged out of turn{self}");
            }
            self.acknowledged = Some(seq + 1);
        } else if text == "full" {
            self.full = true;
        } else if text.starts_with("ack") || text.starts_with("recovered") {
            bail!("cannot read the line {text:?}{self}");
        }
        Ok(())
    }

    fn torn(&self) -> bool {
        self.recovered.is_some_and(|found| found.torn > 0)
    }

    fn boot(self) -> Result<Boot> {
        let recovered = self
            .recovered
            .with_context(|| format!("the kernel did not say what it recovered{self}"))?;
        Ok(Boot {
            recovered,
            acknowledged: self.acknowledged,
            full: self.full,
        })
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.last.is_empty() {
            return f.write_str("; it said nothing");
        }
        write!(f, "; its last lines:\n    {}", self.last.join("\n    "))
    }
}
