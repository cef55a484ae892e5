//! Persistent memory that is a file of the host's: what a kernel persisted by virtio-pmem is in it
//! after QEMU was killed, and QEMU has synced it.
//!
//! A killed QEMU leaves the host's page cache, so that the bytes are there proves no sync: the
//! system calls do, which strace sees.

use crate::{
    arch::Arch,
    boot::{End, Vm},
    image::{DEFAULT_SIZE, Image},
    machine::{Attached, Machine, Trace, VIRTIO_PART},
    protocol::{self, Pattern},
    report::{Case, Suite, Verdict},
    setup,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// A boot takes less than a second; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(60);
/// How often the kernel persists.
const PERSISTS: usize = 10;

/// One way to the device.
struct Way {
    name: &'static str,
    attached: Attached,
    /// What the kernel is told.
    args: &'static str,
    /// The image, and where in it the persistent memory begins.
    size: u64,
    part: u64,
    /// What must not be taken for the device, by which arguments, and what must be said of it.
    strangers: &'static [(
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    )],
}

const WAYS: [Way; 2] = [
    Way {
        name: "virtio-pmem over PCI",
        attached: Attached::VirtioPci,
        args: "",
        size: DEFAULT_SIZE,
        part: 0,
        strangers: &[(
            "a device with translated addresses",
            &["-global", "virtio-pmem-pci.iommu_platform=on"],
            &["VIRTIO_F_ACCESS_PLATFORM"],
        )],
    },
    Way {
        name: "virtio-pmem over MMIO",
        attached: Attached::VirtioMmio,
        args: "mmio=0xfeb00000",
        size: 256 << 20,
        part: VIRTIO_PART,
        strangers: &[
            (
                "a legacy device",
                &["-global", "virtio-mmio.force-legacy=true"],
                &["version 1, not 2"],
            ),
            (
                "a device that breaks at once",
                &["-global", "virtio-mmio.ioeventfd=on"],
                // Before its start has ended, or at the first request: QEMU breaks it beside.
                &["needs a reset", "the sync hook returned -19 "],
            ),
        ],
    },
];

/// Boots the kernel with each.
pub fn run(kernel: &Path) -> Result<Vec<Suite>> {
    let strace = setup::has_strace();
    WAYS.iter().map(|way| one(way, kernel, strace)).collect()
}

fn one(way: &Way, kernel: &Path, strace: bool) -> Result<Suite> {
    let mut suite = Suite::new(way.name, Some(Arch::X86_64), None);
    let image = Image::fresh(way.size)?;
    let seed = fastrand::u64(1..);
    let boot = Boot {
        way,
        kernel,
        strace,
        image: &image,
    };

    let (_, syncs) = boot.until_cut("store", seed ^ 1)?;
    let none = "negative control: stores that are not persisted are no sync";
    suite.add(counted(none, syncs, 0));

    let (pattern, syncs) = boot.until_cut("persist", seed)?;
    suite.add(counted("each persist is one sync", syncs, PERSISTS));
    suite.add(Case::from_result(
        "what was persisted is in the file after QEMU was killed",
        pattern.check(&image),
    ));
    let found = |seed| boot.recovered(seed, pattern.len);
    let name = "the next boot finds all of it";
    suite.add(Case::from_result(name, found(seed)?));
    suite.add(Case::check(
        "negative control: what was there before is not found",
        found(seed ^ 1)?.is_err(),
        "all of it was",
    ));
    let name = "a stopped device ends well";
    suite.add(Case::from_result(name, boot.stops(seed ^ 2)?));
    let name = "a sync that failed is no persist";
    suite.add(match strace {
        true => Case::from_result(name, boot.fails(seed ^ 2)?),
        false => skipped(name),
    });
    for (name, arguments, sentences) in way.strangers {
        let name = format!("{name} is refused");
        suite.add(Case::from_result(name, boot.refuses(arguments, sentences)?));
    }
    Ok(suite)
}

fn skipped(name: &str) -> Case {
    Case {
        name: name.to_owned(),
        verdict: Verdict::Skipped("there is no strace, or it may not trace".to_owned()),
    }
}

fn counted(name: &str, syncs: Option<usize>, expected: usize) -> Case {
    let verdict = match syncs {
        None => return skipped(name),
        Some(syncs) if syncs == expected => Verdict::Passed,
        Some(syncs) => Verdict::Failed(format!("QEMU synced {syncs} times, not {expected}")),
    };
    let name = name.to_owned();
    Case { name, verdict }
}

/// Boots of one kernel with one image.
struct Boot<'a> {
    way: &'a Way,
    kernel: &'a Path,
    strace: bool,
    image: &'a Image,
}

impl Boot<'_> {
    fn machine(&self) -> Machine {
        let mut machine = Machine::new(Arch::X86_64);
        machine.attached = self.way.attached;
        machine
    }

    fn vm(&self, machine: &Machine, mode: &str, seed: u64) -> Result<Vm> {
        let args = format!("{} mode={mode} seed={seed}", self.way.args);
        Vm::boot(machine, self.kernel, self.image, &args)
    }

    /// Kills QEMU as soon as the kernel says that it is done. What it wrote, by its place in the
    /// image, and how often QEMU synced the image, if that can be seen.
    fn until_cut(&self, mode: &str, seed: u64) -> Result<(Pattern, Option<usize>)> {
        let traces = tempfile::tempdir()?;
        let path = traces.path().join("trace");
        let mut machine = self.machine();
        machine.trace = self.strace.then(|| Trace {
            path: path.clone(),
            failing: false,
        });
        let mut vm = self.vm(&machine, mode, seed)?;
        let deadline = Instant::now() + LIMIT;
        let mut said = String::new();
        let mut pattern = loop {
            let Ok(line) = vm.line(deadline) else {
                bail!(
                    "{} mode={mode}: no pattern; it said:\n{said}",
                    self.way.name
                );
            };
            if let Some(pattern) = Pattern::parse(&line.text) {
                break pattern;
            }
            said += &format!("    {}\n", line.text);
        };
        vm.cut()?;
        pattern.offset += self.way.part;
        let syncs = self.strace.then(|| syncs(&path)).transpose()?;
        Ok((pattern, syncs))
    }

    /// Boots to its end. What it said, and how it ended.
    fn whole(&self, machine: &Machine, mode: &str, seed: u64) -> Result<(Vec<String>, End)> {
        let mut lines = Vec::new();
        let vm = self.vm(machine, mode, seed)?;
        let end = vm.run(LIMIT, |line| lines.push(line.text))?;
        Ok((lines, end))
    }

    /// Whether the kernel finds all of a pattern.
    fn recovered(&self, seed: u64, len: usize) -> Result<Result<(), String>> {
        let (lines, end) = self.whole(&self.machine(), "recover", seed)?;
        let all = format!("found {len} of {len}");
        Ok(said(&lines, &end, |line| line == all))
    }

    fn stops(&self, seed: u64) -> Result<Result<(), String>> {
        let (lines, end) = self.whole(&self.machine(), "stop", seed)?;
        Ok(said(&lines, &end, |line| line == "stopped"))
    }

    /// Whether the kernel refuses what is no device for it, with one of these sentences.
    fn refuses(&self, arguments: &[&str], sentences: &[&str]) -> Result<Result<(), String>> {
        let mut machine = self.machine();
        let arguments = arguments.iter().map(|&word| word.to_owned());
        machine.extra.extend(arguments);
        self.panics(&machine, 0, sentences)
    }

    /// Whether the kernel is told that its bytes are not durable, where the host cannot sync.
    fn fails(&self, seed: u64) -> Result<Result<(), String>> {
        let mut machine = self.machine();
        machine.trace = Some(Trace {
            path: "/dev/null".into(),
            failing: true,
        });
        self.panics(&machine, seed, &["the sync hook returned -5 "])
    }

    fn panics(
        &self,
        machine: &Machine,
        seed: u64,
        sentences: &[&str],
    ) -> Result<Result<(), String>> {
        let (lines, _) = self.whole(machine, "stop", seed)?;
        let said = |line: &String| sentences.iter().any(|sentence| line.contains(sentence));
        let panicked = |line: &String| protocol::is_crash(line) && said(line);
        Ok(match lines.iter().any(panicked) {
            true => Ok(()),
            false => Err(format!("{sentences:?} is not said:\n{}", lines.join("\n"))),
        })
    }
}

fn said(lines: &[String], end: &End, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    match (lines.iter().any(|line| wanted(line)), end) {
        (true, End::Exit(0)) => Ok(()),
        _ => Err(format!("{end}; it said:\n    {}", lines.join("\n    "))),
    }
}

/// How many syncs strace saw, once it has seen the end.
pub(crate) fn syncs(path: &Path) -> Result<usize> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = fs::read_to_string(path).context("strace wrote nothing")?;
        if text.contains("+++ killed by SIGKILL +++") && text.ends_with('\n') {
            return Ok(text.lines().filter(|line| is_sync(line)).count());
        }
        if Instant::now() > deadline {
            bail!("strace does not tell how QEMU ended:\n{text}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a line of strace's is the beginning of a sync: the end of one that was interrupted by
/// another thread's call is a line of its own.
pub(super) fn is_sync(line: &str) -> bool {
    let call = line.split_whitespace().nth(1).unwrap_or_default();
    ["fsync(", "fdatasync(", "msync("]
        .iter()
        .any(|name| call.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_are_counted_once() {
        for (line, counts) in [
            ("31039 fsync(3</tmp/f>)               = 0", true),
            ("31039 fdatasync(3</tmp/f> <unfinished ...>", true),
            ("31039 msync(0x7f0000000000, 4096, MS_SYNC) = 0", true),
            ("31039 <... fsync resumed>)             = 0", false),
            ("31039 +++ killed by SIGKILL +++", false),
            ("", false),
        ] {
            assert_eq!(is_sync(line), counts, "{line}");
        }
    }

    #[test]
    fn another_number_of_syncs_is_a_failure() {
        let verdict = |syncs| counted("", syncs, PERSISTS).verdict;
        assert_eq!(verdict(Some(PERSISTS)), Verdict::Passed);
        assert!(matches!(verdict(Some(0)), Verdict::Failed(_)));
        assert!(matches!(verdict(Some(PERSISTS + 1)), Verdict::Failed(_)));
        assert!(matches!(verdict(None), Verdict::Skipped(_)));
    }
}
