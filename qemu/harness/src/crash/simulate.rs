//! One boot of a kernel under the simulator; again and again where recovery does not come back.

pub use super::tried::Tried;
use super::{schedules::Schedules, status::Status, watch::watch};
use crate::{boot::Vm, image::Image, linux::guest::Guest, machine::Machine};
use anyhow::{Context, Result, bail};
use kpmem_findings::{Explored, Failure, Flaw, Line, Sample, Schedules as Scheduled, Traced};
use std::{fs, path::Path, time::Duration};

/// Recovery of one crash image may take this long; then it hangs.
pub const HANG: Duration = Duration::from_secs(5);
/// A workload, and all of its crash images, may take this long if nothing else is said.
pub const LIMIT: Duration = Duration::from_secs(1800);
/// Recoveries that hang or die before the rest of a workload is left alone.
const LOST: usize = 8;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    /// The computer.
    pub machine: Machine,
    /// The kernel.
    pub kernel: &'a Path,
    /// Its parameters.
    pub args: String,
    /// The plugin.
    pub plugin: &'a Path,
    /// Physical address of the persistent memory.
    pub base: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes of a line.
    pub line: usize,
    /// Bytes that `dc zva` zeroes.
    pub zva: usize,
    /// The platform.
    pub profile: &'a str,
    /// Properties of the platform that are not the profile's: `reach`, `domain`, `ack`.
    pub platform: Vec<(&'static str, String)>,
    /// Claims are of copies, which must store each aligned word as one.
    pub words: bool,
    /// Chooses samples.
    pub seed: u64,
    /// Crash images to keep for a reboot, for each workload.
    pub samples: usize,
    /// Bad crash images of a workload after which no more are tried.
    pub enough: Option<u64>,
    /// Part of how many.
    pub shard: (u32, u32),
    /// Only this crash image.
    pub only: Option<String>,
    /// How long recovery of one image may take.
    pub hang: Duration,
    /// How long a workload may take from one claim to the next.
    pub stall: Duration,
    /// How long a workload, and all of its crash images, may take.
    pub limit: Duration,
    /// The kernel is Linux, and runs a program.
    pub guest: Option<&'a Guest>,
    /// Which crash images are tried.
    pub tried: Tried,
    /// Under which schedules, if several CPUs take turns.
    pub schedules: Option<Schedules>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the plugin reported.
    pub lines: Vec<Line>,
    /// Recoveries that hung or died.
    pub lost: Vec<Lost>,
    /// Why the guest ended before it was done, if it did.
    pub broken: Option<String>,
    /// Lines that are for the harness: they begin with `judge `.
    pub said: Vec<String>,
}

/// A crash image whose recovery gave no verdict.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The image's name.
    pub id: String,
    /// The schedule of its run.
    pub schedule: Option<String>,
    /// How it ended.
    pub how: String,
}

impl Outcome {
    /// The schedules of each workload.
    pub fn schedules(&self) -> impl Iterator<Item = &Scheduled> {
        self.lines.iter().filter_map(|line| match line {
            Line::Schedules(schedules) => Some(schedules),
            _ => None,
        })
    }

    /// The failures in full.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.lines.iter().filter_map(|line| match line {
            Line::Failure(failure) => Some(failure),
            _ => None,
        })
    }

    /// The workloads that ended.
    pub fn traced(&self) -> impl Iterator<Item = &Traced> {
        self.lines.iter().filter_map(|line| match line {
            Line::Traced(traced) => Some(traced),
            _ => None,
        })
    }

    /// What was explored.
    pub fn explored(&self) -> impl Iterator<Item = &Explored> {
        self.lines.iter().filter_map(|line| match line {
            Line::Explored(explored) => Some(explored),
            _ => None,
        })
    }

    /// What makes a good verdict worth nothing.
    pub fn flaws(&self) -> impl Iterator<Item = &Flaw> {
        self.lines.iter().filter_map(|line| match line {
            Line::Flaw(flaw) => Some(flaw),
            _ => None,
        })
    }

    /// The kept crash images.
    pub fn kept(&self) -> impl Iterator<Item = &Sample> {
        self.lines.iter().filter_map(|line| match line {
            Line::Sample(sample) => Some(sample),
            _ => None,
        })
    }
}

/// Runs it. Kept crash images go to `images`.
pub fn run(simulation: &Simulation<'_>, images: &Path) -> Result<Outcome> {
    let scratch = tempfile::tempdir().context("cannot make a directory for the report")?;
    let status = scratch.path().join("status");
    let mut outcome = Outcome::default();
    let mut from = None;
    loop {
        let report = scratch
            .path()
            .join(format!("report-{}", outcome.lost.len()));
        // What an earlier boot left there says that it recovers.
        fs::write(&status, []).context("cannot make the file that says where it stands")?;
        let image = simulation.fresh()?;
        let plugin = simulation.plugin_option(&image, &report, &status, images);
        let plugin = plugin + &without(from, &outcome.lost);
        let mut machine = simulation.machine.clone();
        machine.extra.extend(["-plugin".to_owned(), plugin]);
        let vm = Vm::boot(&machine, simulation.kernel, &image, &simulation.args)?;
        let ended = watch(vm, &status, simulation, &mut outcome.said)?;
        let at = Status::read(&status).unwrap_or_default();
        let lines = read(&report)?;
        if ended.passed {
            outcome.lines.extend(lines);
            break;
        }
        if !at.recovering {
            outcome.broken = Some(ended.why);
            outcome.lines.extend(finished(lines));
            break;
        }
        // The next boot does all of it again, but for the images of earlier points and those that
        // were lost.
        let here = format!("{}-", at.point);
        let taken = |line: &Line| matches!(line, Line::Failure(f) if f.oracle == "recovery" && !f.id.starts_with(&here));
        let again = outcome.lost.len() + 1 < LOST && simulation.schedules.is_none();
        let kept = finished(lines).filter(|line| !again || taken(line));
        outcome.lines.extend(kept);
        outcome.lost.push(Lost {
            schedule: kpmem_findings::last_schedule(&outcome.lines),
            id: at.image(),
            how: ended.why,
        });
        // Images are counted from each run on: to come back to this one is not possible.
        if outcome.lost.len() == LOST || simulation.schedules.is_some() {
            break;
        }
        from = Some((at.point, at.before));
    }
    if outcome.traced().next().is_none() && outcome.broken.is_none() {
        let said: Vec<_> = outcome.flaws().map(|flaw| flaw.what.as_str()).collect();
        bail!(
            "{} ended without a begin and an end mark: it must say them as kpmem-marks does{}{}",
            simulation.subject(),
            if said.is_empty() { "" } else { "; " },
            said.join("; ")
        );
    }
    Ok(outcome)
}

/// What the plugin is told of earlier boots: where the last one ended, and what it ended for.
fn without(from: Option<(u64, u64)>, lost: &[Lost]) -> String {
    let Some((point, before)) = from else {
        return String::new();
    };
    let ids: Vec<_> = lost.iter().map(|lost| lost.id.as_str()).collect();
    format!(",from={point}+{before},without={}", ids.join("+"))
}

/// What the plugin reported; nothing if QEMU did not start it.
fn read(report: &Path) -> Result<Vec<Line>> {
    match fs::read_to_string(report) {
        Ok(text) => kpmem_findings::parse(&text),
        Err(_) => Ok(Vec::new()),
    }
}

/// A run that was ended from outside is known not to have finished.
fn finished(lines: Vec<Line>) -> impl Iterator<Item = Line> {
    let unfinished = |line: &Line| matches!(line, Line::Flaw(flaw) if flaw.is_unfinished());
    lines.into_iter().filter(move |line| !unfinished(line))
}

impl Simulation<'_> {
    /// What is simulated, as a sentence begins with it.
    fn subject(&self) -> String {
        match self.guest {
            Some(_) => "the program".to_owned(),
            None => self.kernel.display().to_string(),
        }
    }

    /// The NVDIMM before the first boot.
    fn fresh(&self) -> Result<Image> {
        match self.guest {
            Some(guest) => guest.image(),
            None => Image::fresh(self.size),
        }
    }

    pub(crate) fn plugin_option(
        &self,
        image: &Image,
        report: &Path,
        status: &Path,
        images: &Path,
    ) -> String {
        let Self {
            plugin,
            base,
            line,
            zva,
            profile,
            seed,
            samples,
            shard: (part, parts),
            ..
        } = self;
        let only = self
            .only
            .as_ref()
            .map_or(String::new(), |id| format!(",only={id}"));
        let platform = self.platform.iter();
        let platform: String = platform
            .map(|(key, value)| format!(",{key}={value}"))
            .collect();
        let enough = self
            .enough
            .map_or(String::new(), |n| format!(",enough={n}"));
        let cpus = self.machine.smp;
        let words = u8::from(self.words);
        let late = u8::from(self.guest.is_some());
        let tried = self.tried.words();
        let schedules = self.schedules.as_ref().map(Schedules::words);
        let schedules = schedules.unwrap_or_default();
        format!(
            "{},image={},base={base},line={line},zva={zva},profile={profile},seed={seed},samples={samples},\
             part={part},parts={parts},cpus={cpus},words={words},late={late},report={},status={},images={}{platform}{only}{enough}{tried}{schedules}",
            plugin.display(),
            image.inherited_path(),
            report.display(),
            status.display(),
            images.display(),
        )
    }
}
