//! What a guest says while it runs its program: the program's output, and what is for us.

use super::guest::Guest;
use crate::{boot::End, image::Image, serial::Line};
use anyhow::{Error, Result, anyhow};
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

/// What a guest has said so far.
#[derive(Debug)]
pub struct Console<'a> {
    token: &'a str,
    start: Instant,
    up: Option<(Duration, String)>,
    status: Option<u8>,
    lost: Option<String>,
    panic: String,
}

impl<'a> Console<'a> {
    /// Of a guest that is turned on now, and begins lines for us by `token`.
    pub fn new(token: &'a str) -> Self {
        Self {
            token,
            start: Instant::now(),
            up: None,
            status: None,
            lost: None,
            panic: String::new(),
        }
    }

    /// Takes a line; what the program prints goes to `show`.
    pub fn hear(&mut self, line: &Line, mut show: impl FnMut(&str)) {
        if !self.panic.is_empty() || line.text.contains(PANIC) {
            self.panic += &format!("\n  {}", line.text);
            return;
        }
        let newline = if line.complete { "\n" } else { "" };
        let Some((before, ours)) = line.text.split_once(self.token) else {
            // What comes before and behind is the firmware's and the kernel's.
            if self.up.is_some() && self.status.is_none() {
                show(&format!("{}{newline}", line.text));
            }
            return;
        };
        if self.up.is_some() {
            show(before);
        }
        match ours.trim_start().split_once(' ') {
            Some(("up", release)) => self.up = Some((self.start.elapsed(), release.to_owned())),
            Some(("exit", code)) => self.status = code.parse().ok(),
            Some(("lost", why)) => self.lost = Some(why.to_owned()),
            _ => {}
        }
    }

    /// How the program ended, if it did.
    pub fn ran(&self) -> Option<Ran> {
        let (boot, release) = self.up.as_ref()?;
        Some(Ran {
            status: self.status?,
            boot: *boot,
            release: release.clone(),
        })
    }

    /// Why it did not, in a sentence.
    pub fn why(&self, end: End) -> Error {
        if let Some(why) = &self.lost {
            return anyhow!("the guest is not as it was asked for: {why}");
        }
        if !self.panic.is_empty() {
            return anyhow!("the guest's kernel panicked:{}", self.panic);
        }
        let at = match self.up {
            Some(_) => "the program did not end",
            None => "the guest did not come up",
        };
        match end {
            End::TimedOut(limit) => Hangs(format!("{at} within {} s", limit.as_secs())).into(),
            End::Died(why) if why.contains("signal 7") => {
                anyhow!("{at}: no room for the NVDIMM in /dev/shm or the temp dir")
            }
            end => anyhow!("{at}: {end}"),
        }
    }
}

/// Boots the guest on `image` and hands what the program prints to `show`, as it comes.
pub fn run(
    guest: &Guest,
    image: &Image,
    limit: Duration,
    mut show: impl FnMut(&str),
) -> Result<Ran> {
    let mut console = Console::new(&guest.token);
    let vm = guest.boot(image)?;
    let end = vm.run(limit, |line| console.hear(&line, &mut show))?;
    console.ran().ok_or_else(|| console.why(end))
}
