//! What the harness asks for, as `key=value` words of QEMU's `-plugin` option.

use std::{collections::HashMap, fmt::Display, path::PathBuf, str::FromStr};

use kpmem_model::{Isa, Profile, explore};

use crate::nested::Name;
use crate::schedule::Limits;

/// The plugin's parameters.
#[derive(Debug)]
pub struct Options {
    /// The instruction set that QEMU emulates.
    pub isa: Isa,
    /// The file behind the persistent memory.
    pub image: PathBuf,
    /// Its physical address in the guest.
    pub base: u64,
    /// Line size in bytes.
    pub line: usize,
    /// Bytes that `dc zva` zeroes.
    pub zva: usize,
    /// CPUs that the kernel may run.
    pub cpus: u32,
    /// Run a workload under many schedules, if the kernel has several CPUs.
    pub schedules: Option<Limits>,
    /// The platform to assume.
    pub profile: Profile,
    /// Which crash images to take.
    pub explore: explore::Options,
    /// Recovery is cut off too.
    pub nested: bool,
    /// The only image to take, and those that recovery did not come back from.
    pub only: Option<Name>,
    pub without: Vec<Name>,
    /// Claims are of copies, which must store each aligned word as one.
    pub words: bool,
    /// Keep an image of each crash point, for a reboot.
    pub points: bool,
    /// Nothing is watched before the first workload begins, but for marks.
    pub late: bool,
    /// Crash images to keep for a reboot.
    pub samples: usize,
    /// Bad crash images of a workload after which no more are handed out.
    pub enough: u64,
    /// Where runs and failures are written, one JSON value a line.
    pub report: PathBuf,
    /// Where kept crash images go.
    pub images: PathBuf,
    /// Where the harness looks whether recovery still makes progress.
    pub status: PathBuf,
}

impl Options {
    /// Whether one CPU runs at a time: there is one, or QEMU has a thread for all of them.
    pub fn alone(&self) -> bool {
        self.cpus == 1 || self.isa == Isa::Riscv64 && self.schedules.is_none()
    }

    /// Reads the words; `target` is QEMU's name of the instruction set.
    pub fn parse(target: &str, words: &[String]) -> Result<Self, String> {
        let isa = match target {
            "x86_64" => Isa::X86_64,
            "aarch64" => Isa::Aarch64,
            "riscv64" => Isa::Riscv64,
            other => return Err(format!("the instruction set {other} is not supported")),
        };
        let words = words
            .iter()
            .map(|word| {
                word.split_once('=')
                    .ok_or_else(|| format!("{word:?} is not key=value"))
            })
            .collect::<Result<HashMap<_, _>, _>>()?;
        let text = |key: &str| {
            let value = words.get(key).copied();
            value.ok_or_else(|| format!("the option {key}= is missing"))
        };
        let name = text("profile")?;
        let mut profile = Profile::named(name, isa)
            .ok_or_else(|| format!("the profile {name} does not fit {target}"))?;
        for key in ["reach", "domain", "ack"] {
            if let Some(value) = words.get(key) {
                profile.set(key, value)?;
            }
        }
        let only: Option<Name> = match words.get("only") {
            Some(id) => Some(id.parse()?),
            None => None,
        };
        let seed = number(text("seed")?, "seed")?;
        // Images that ended earlier processes; and where the last of them was: the point, and how
        // many were taken before it.
        let without = words.get("without").copied().unwrap_or_default();
        let without = without.split('+').filter(|id| !id.is_empty());
        let without = without.map(str::parse).collect::<Result<Vec<Name>, _>>()?;
        let whole = without.iter().filter(|name| name.nested.is_none());
        let from = words.get("from").map(|from| {
            let (point, taken) = from.split_once('+').unwrap_or((from, "0"));
            Ok::<_, String>((number(point, "from")?, number(taken, "from")?))
        });
        let recoveries = words.get("recoveries").copied().unwrap_or("0");
        let cpus = number(words.get("cpus").copied().unwrap_or("1"), "cpus")? as u32;
        // What each of several CPUs reads is not one recovery's.
        let recoveries = if cpus > 1 { "0" } else { recoveries };
        Ok(Self {
            isa,
            schedules: schedules(&words, seed)?,
            image: text("image")?.into(),
            base: number(text("base")?, "base")?,
            line: number(text("line")?, "line")? as usize,
            zva: number(text("zva")?, "zva")? as usize,
            cpus,
            profile,
            explore: explore::Options {
                seed,
                shard: (
                    number(words.get("part").copied().unwrap_or("0"), "part")? as u32,
                    number(words.get("parts").copied().unwrap_or("1"), "parts")? as u32,
                ),
                only: only.map(|name| name.id),
                from: from.transpose()?,
                without: whole.map(|name| name.id).collect(),
                recoveries: number(recoveries, "recoveries")?,
                samples: number(words.get("random").copied().unwrap_or("256"), "random")? as u32,
                limit: number(words.get("limit").copied().unwrap_or("4096"), "limit")? as usize,
                marks_only: words.get("at").copied() == Some("marks"),
            },
            nested: cpus == 1 && words.get("nested").copied() == Some("1"),
            only,
            without,
            words: words.get("words").copied() == Some("1"),
            points: words.get("points").copied() == Some("1"),
            late: words.get("late").copied() == Some("1"),
            samples: number(words.get("samples").copied().unwrap_or("0"), "samples")? as usize,
            enough: match words.get("enough") {
                Some(text) => number(text, "enough")?,
                None => u64::MAX,
            },
            report: text("report")?.into(),
            images: text("images")?.into(),
            status: text("status")?.into(),
        })
    }
}

/// `schedules=N`: so many of each workload; `schedule=NAME`: this one.
fn schedules(words: &HashMap<&str, &str>, seed: u64) -> Result<Option<Limits>, String> {
    let only = match words.get("schedule") {
        Some(name) => Some(name.parse()?),
        None => None,
    };
    let most = words.get("schedules");
    if most.is_none() && only.is_none() {
        return Ok(None);
    }
    let preemptions = words.get("preemptions").copied().unwrap_or("2");
    Ok(Some(Limits {
        schedules: number(most.copied().unwrap_or("1"), "schedules")?,
        preemptions: number(preemptions, "preemptions")? as usize,
        seed,
        only,
    }))
}

fn number(text: &str, key: &str) -> Result<u64, String> {
    let bad = |error: &dyn Display| format!("{key}={text}: {error}");
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).map_err(|e| bad(&e)),
        None => u64::from_str(text).map_err(|e| bad(&e)),
    }
}
