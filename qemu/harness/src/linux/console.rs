//! What a guest says while it runs its program: the program's output, and what is for us.

use super::guest::Guest;
use crate::{boot::End, image::Image};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// The kernel's last words begin so.
const PANIC: &str = "Kernel panic - not syncing: ";

/// How a program ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// Its exit status; 128 and a signal's number if that ended it.
    pub status: u8,
    /// How long the guest took until the program began.
    pub boot: Duration,
    /// The kernel's release.
    pub release: String,
}

/// A guest that is too slow.
#[derive(Debug)]
pub struct Hangs(String);

impl std::fmt::Display for Hangs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Hangs {}

/// Boots the guest on `image` and hands what the program prints to `show`, as it comes.
pub fn run(
    guest: &Guest,
    image: &Image,
    limit: Duration,
    mut show: impl FnMut(&str),
) -> Result<Ran> {
    let start = Instant::now();
    let vm = guest.boot(image)?;
    let (mut up, mut status, mut lost) = (None, None, None);
    let mut panic = String::new();
    let end = vm.run(limit, |line| {
        if !panic.is_empty() || line.text.contains(PANIC) {
            panic += &format!("\n  {}", line.text);
            return;
        }
        let newline = if line.complete { "\n" } else { "" };
        let Some((before, ours)) = line.text.split_once(&guest.token) else {
            // What comes before and behind is the firmware's and the kernel's.
            if up.is_some() && status.is_none() {
                show(&format!("{}{newline}", line.text));
            }
            return;
        };
        if up.is_some() {
            show(before);
        }
        match ours.trim_start().split_once(' ') {
            Some(("up", release)) => up = Some((start.elapsed(), release.to_owned())),
            Some(("exit", code)) => status = code.parse().ok(),
            Some(("lost", why)) => lost = Some(why.to_owned()),
            _ => {}
        }
    })?;
    if let (Some((boot, release)), Some(status)) = (&up, status) {
        return Ok(Ran {
            status,
            boot: *boot,
            release: release.clone(),
        });
    }
    if let Some(why) = lost {
        bail!("the guest is not as it was asked for: {why}");
    }
    if !panic.is_empty() {
        bail!("the guest's kernel panicked:{panic}");
    }
    let at = match up {
        Some(_) => "the program did not end",
        None => "the guest did not come up",
    };
    match end {
        End::TimedOut(limit) => Err(Hangs(format!("{at} within {} s", limit.as_secs())).into()),
        End::Died(why) if why.contains("signal 7") => {
            bail!("{at}: no room for the NVDIMM in /dev/shm or the temp dir")
        }
        end => bail!("{at}: {end}"),
    }
}
