//! Running other programs.

use anyhow::{Context, Result, bail};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::{
    env, io,
    os::{
        fd::{BorrowedFd, RawFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The program's path, as a shell would find it.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// Standard output of a command that must succeed.
pub fn stdout_of(command: &mut Command) -> Result<String> {
    let output = output_of(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command printed, whether it succeeded or not.
pub fn output_of(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))
}

/// Runs a command whose output the user sees.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}

/// Like [`run`], but gives up after `limit`.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    let child = command.stdin(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("cannot run {command:?}"))?;
    let status = wait_within(command, &mut child, limit)?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}

/// Like [`output_of`], but gives up after `limit`; for commands that print less than a pipe holds.
pub fn output_within(command: &mut Command, limit: Duration) -> Result<Output> {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.with_context(|| format!("cannot run {command:?}"))?;
    wait_within(command, &mut child, limit)?;
    child.wait_with_output().context("cannot read what it said")
}

fn wait_within(command: &Command, child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(status),
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            None => {
                child.kill()?;
                child.wait()?;
                bail!("{command:?} took longer than {} s", limit.as_secs());
            }
        }
    }
}

/// Lets the command's process end when ours does, however that ends, and keep these open files,
/// which must stay open until it has started.
pub(crate) fn tie(command: &mut Command, inherited: Vec<RawFd>) {
    let harness = rustix::process::getpid();
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if getppid() != Some(harness) {
            return Err(io::Error::other("the harness died first"));
        }
        inherited.iter().copied().try_for_each(keep_over_exec)
    };
    // SAFETY: the closure runs between fork and exec. It makes only system calls that are
    // async-signal-safe, takes no lock and allocates only on the path that gives up.
    unsafe { command.pre_exec(prepare) };
}

/// Lets the new program keep an open file.
fn keep_over_exec(fd: RawFd) -> io::Result<()> {
    // SAFETY: the caller keeps the file open over the spawn, and the child of a fork has the
    // parent's open files.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    Ok(rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty())?)
}
