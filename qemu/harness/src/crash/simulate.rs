//! One boot of a kernel under the simulator; again and again where recovery does not come back.

use super::{program::Program, schedules::Schedules, status::Status};
use crate::{
    boot::{End, Vm},
    findings::{self, Explored, Failure, Flaw, Line, Sample, Traced},
    image::Image,
    linux::guest::Guest,
    machine::Machine,
    protocol,
    serial::NoLine,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Recovery of one crash image may take this long; then it hangs.
pub const HANG: Duration = Duration::from_secs(5);
/// A workload, and all of its crash images, may take this long if nothing else is said.
pub const LIMIT: Duration = Duration::from_secs(1800);
/// Linux may take this long to boot.
const BOOT: Duration = Duration::from_secs(180);
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

/// Which crash images are tried. A few of a moment are all of them if they are not more than 32;
/// else none, all, each line alone, all but one, and eight random ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tried {
    /// All of each moment, up to thousands.
    #[default]
    All,
    /// A few before each barrier and at each mark.
    Few,
    /// A few at each claim, crash point and end.
    FewAtMarks,
}

impl Tried {
    /// As the plugin takes it.
    fn words(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Few => ",limit=32,random=8",
            Self::FewAtMarks => ",limit=32,random=8,at=marks",
        }
    }
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
    pub fn schedules(&self) -> impl Iterator<Item = &findings::Schedules> {
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
    let mut skip = 0;
    loop {
        let report = scratch.path().join(format!("report-{skip}"));
        let image = simulation.fresh()?;
        let plugin = simulation.plugin_option(&image, &report, &status, images, skip);
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
        // The next boot does all of it again, but for the images that were taken.
        let taken = |line: &Line| matches!(line, Line::Failure(f) if f.oracle == "recovery");
        let again = outcome.lost.len() + 1 < LOST && simulation.schedules.is_none();
        let kept = finished(lines).filter(|line| !again || taken(line));
        outcome.lines.extend(kept);
        outcome.lost.push(Lost {
            schedule: findings::last_schedule(&outcome.lines),
            id: format!("{}-{:016x}", at.point, at.hash),
            how: ended.why,
        });
        // Images are counted from each run on: to come back to this one is not possible.
        if outcome.lost.len() == LOST || simulation.schedules.is_some() {
            break;
        }
        skip = at.taken;
    }
    if outcome.traced().next().is_none() && outcome.broken.is_none() {
        let said: Vec<_> = outcome.flaws().map(|flaw| flaw.what.as_str()).collect();
        bail!(
            "{} ended without a begin and an end mark: it must say them as kpmem-marks does{}{}",
            simulation.kernel.display(),
            if said.is_empty() { "" } else { "; " },
            said.join("; ")
        );
    }
    Ok(outcome)
}

/// What the plugin reported; nothing if QEMU did not start it.
fn read(report: &Path) -> Result<Vec<Line>> {
    match fs::read_to_string(report) {
        Ok(text) => findings::parse(&text),
        Err(_) => Ok(Vec::new()),
    }
}

/// A run that was ended from outside is known not to have finished.
fn finished(lines: Vec<Line>) -> impl Iterator<Item = Line> {
    let unfinished = |line: &Line| matches!(line, Line::Flaw(flaw) if flaw.is_unfinished());
    lines.into_iter().filter(move |line| !unfinished(line))
}

impl Simulation<'_> {
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
        skip: u64,
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
        let cpus = self.machine.smp;
        let words = u8::from(self.words);
        let late = u8::from(self.guest.is_some());
        let tried = self.tried.words();
        let schedules = self.schedules.as_ref().map(Schedules::words);
        let schedules = schedules.unwrap_or_default();
        format!(
            "{},image={},base={base},line={line},zva={zva},profile={profile},seed={seed},samples={samples},\
             part={part},parts={parts},skip={skip},cpus={cpus},words={words},late={late},report={},status={},images={}{platform}{only}{tried}{schedules}",
            plugin.display(),
            image.inherited_path(),
            report.display(),
            status.display(),
            images.display(),
        )
    }
}

/// How a boot ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) passed: bool,
    pub(super) why: String,
}

/// Listens until the guest ends, or recovery of one image takes too long.
fn watch(
    mut vm: Vm,
    status: &Path,
    simulation: &Simulation<'_>,
    for_us: &mut Vec<String>,
) -> Result<Ended> {
    let Simulation {
        hang, stall, limit, ..
    } = *simulation;
    let deadline = Instant::now() + limit;
    let mut last = (Status::default(), Instant::now());
    let mut said = Vec::new();
    let mut program = simulation.guest.map(Program::new);
    loop {
        match vm.line(Instant::now() + Duration::from_millis(200)) {
            Ok(line) => {
                if let Some(program) = &mut program {
                    program.hear(&line);
                    continue;
                }
                if line.text.starts_with("judge ") {
                    for_us.push(line.text.clone());
                }
                if protocol::is_crash(&line.text) || said.len() < 4 {
                    said.push(line.text);
                }
            }
            Err(NoLine::Closed) => break,
            Err(NoLine::TimedOut) => {
                let now = Status::read(status).unwrap_or_default();
                if now != last.0 {
                    last = (now, Instant::now());
                } else if now.recovering && last.1.elapsed() > hang {
                    vm.cut()?;
                    let why = format!("recovery did not end within {} s", hang.as_secs());
                    return Ok(Ended { passed: false, why });
                }
                if !now.recovering && last.1.elapsed() > stall {
                    vm.cut()?;
                    let why = format!("no claim within {} s", stall.as_secs());
                    return Ok(Ended { passed: false, why });
                }
                if Instant::now() > deadline {
                    vm.cut()?;
                    let why = format!("no end within {} s", limit.as_secs());
                    return Ok(Ended { passed: false, why });
                }
            }
        }
    }
    let end = vm.run(Duration::from_secs(30), |_| {})?;
    if let Some(program) = program {
        return Ok(program.ended(end));
    }
    let crash = said.iter().find(|text| protocol::is_crash(text));
    Ok(Ended {
        passed: end == End::Exit(0),
        why: crash.map_or_else(|| end.to_string(), |text| format!("{end}: {text}")),
    })
}

/// Boots from a kept crash image and returns the verdict that the kernel prints, if it prints one.
pub fn reboot(simulation: &Simulation<'_>, image: &Path) -> Result<Option<u64>> {
    let image = Image::open(image, simulation.size)?;
    let args = format!("{} mode=reboot", simulation.args);
    let vm = Vm::boot(&simulation.machine, simulation.kernel, &image, &args)?;
    let (mut verdict, mut last) = (None, String::new());
    let boot = simulation.guest.map_or(simulation.hang * 3, |_| BOOT);
    vm.run(boot + simulation.hang, |line| {
        let number = line
            .text
            .strip_prefix("verdict ")
            .and_then(|n| n.parse().ok());
        verdict = verdict.or(number.filter(|_| line.complete));
        last = line.text;
    })?;
    if simulation.guest.is_some() && verdict.is_none() {
        eprintln!("a new boot on a crash image gave no verdict; its last words were: {last}");
    }
    Ok(verdict)
}
