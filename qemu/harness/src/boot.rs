//! A running machine: start it, listen to it, cut its power.

use crate::{
    image::Image,
    machine::{Machine, Trace},
    process,
    serial::{Line, NoLine, Serial},
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    io::{ErrorKind, Read},
    os::{fd::RawFd, unix::process::ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A machine with its power on. Dropping it cuts the power.
#[derive(Debug)]
pub struct Vm {
    machine: Machine,
    child: Child,
    serial: Option<Serial>,
    heard: bool,
    complaints: Option<JoinHandle<String>>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The guest used its exit device.
    Exit(i32),
    /// QEMU ended without the guest's leave; what it said.
    Died(String),
    /// The deadline passed; the power was cut.
    TimedOut(Duration),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(0) => f.write_str("the guest passed"),
            Self::Exit(code) => write!(f, "the guest exited with code {code}"),
            Self::Died(why) => write!(f, "QEMU ended by itself: {why}"),
            Self::TimedOut(limit) => {
                write!(
                    f,
                    "no end within {:.1} s: the guest hangs",
                    limit.as_secs_f64()
                )
            }
        }
    }
}

impl Vm {
    /// Boots `kernel` with `args`.
    pub fn boot(machine: &Machine, kernel: &Path, image: &Image, args: &str) -> Result<Self> {
        if !kernel.is_file() {
            bail!("the kernel {} does not exist", kernel.display());
        }
        let blank = Image::fresh(4096)?;
        let argv = machine.argv(kernel, image, &blank, args);
        let inherited = [&[image.fd(), blank.fd()][..], &machine.inherited()].concat();
        Self::start(machine, &argv, &inherited)
    }

    /// Turns the power on of a machine with other arguments than [`Vm::boot`] gives it.
    pub(crate) fn start(machine: &Machine, argv: &[String], inherited: &[RawFd]) -> Result<Self> {
        let program = machine.arch.qemu();
        let mut command = match &machine.trace {
            None => Command::new(program),
            Some(trace) => traced(program, trace),
        };
        command
            .args(argv)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        process::tie(&mut command, inherited.to_vec());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("{program} is not installed: run `cargo xtask setup`")
            }
            _ => anyhow!(error).context(format!("cannot start {program}")),
        })?;
        let serial = child.stdout.take().map(Serial::new);
        let complaints = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut text = Vec::new();
                // A broken pipe only means that there is no more to report.
                let _ = stderr.read_to_end(&mut text);
                String::from_utf8_lossy(&text).trim().to_owned()
            })
        });
        Ok(Self {
            machine: machine.clone(),
            child,
            serial,
            heard: false,
            complaints,
        })
    }

    /// The machine's description.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The next line from the guest.
    pub fn line(&mut self, deadline: Instant) -> Result<Line, NoLine> {
        let line = self
            .serial
            .as_ref()
            .map_or(Err(NoLine::Closed), |serial| serial.next(deadline));
        self.heard |= line.is_ok();
        line
    }

    /// Cuts the power and returns what the guest had written that nobody read yet.
    pub fn cut(mut self) -> Result<Vec<Line>> {
        self.child.kill().context("cannot cut the power")?;
        self.child.wait()?;
        Ok(self.serial.take().map(Serial::rest).unwrap_or_default())
    }

    /// Hands every line to `each` until the guest ends or `limit` has passed since now.
    pub fn run(mut self, limit: Duration, mut each: impl FnMut(Line)) -> Result<End> {
        let deadline = Instant::now() + limit;
        loop {
            match self.line(deadline) {
                Ok(line) => each(line),
                Err(NoLine::Closed) => break,
                Err(NoLine::TimedOut) => {
                    for line in self.cut()? {
                        each(line);
                    }
                    return Ok(End::TimedOut(limit));
                }
            }
        }
        let status = self.child.wait().context("cannot wait for QEMU")?;
        Ok(self.ended(status))
    }

    fn ended(&mut self, status: ExitStatus) -> End {
        let complaints = self.complaints();
        // QEMU's own failures are status 1, which a guest's exit can be too: but then QEMU says
        // why, and the guest has not said a word.
        if !self.heard && !complaints.is_empty() {
            return End::Died(complaints);
        }
        match status
            .code()
            .and_then(|code| self.machine.arch.guest_exit(code))
        {
            Some(code) => End::Exit(code),
            None => {
                let why = status.signal().map_or_else(
                    || "the guest reset its machine or shut it down".to_owned(),
                    |signal| format!("signal {signal}"),
                );
                End::Died([why, complaints].join(" ").trim_end().to_owned())
            }
        }
    }

    fn complaints(&mut self) -> String {
        self.complaints
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under strace, which is its child and not its parent: to kill the one is to kill the
/// other.
fn traced(program: &str, trace: &Trace) -> Command {
    const CALLS: &str = "fsync,fdatasync,msync";
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-y", "-e", &format!("trace={CALLS}")]);
    if trace.failing {
        command.args(["-e", &format!("inject={CALLS}:error=EIO")]);
    }
    command.arg("-o").arg(&trace.path).arg(program);
    command
}
