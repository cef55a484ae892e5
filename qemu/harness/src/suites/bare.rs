//! The bare-metal suite, on each kind of CPU.

use crate::{
    arch::Arch,
    boot::{End, Vm},
    image::{DEFAULT_SIZE, Image},
    machine::Machine,
    protocol::{self, Outcome, Pattern},
    report::{Case, Suite, Verdict},
    serial::Line,
};
use anyhow::Result;
use std::{path::Path, time::Duration};

/// A suite takes a second or two; a busy host may be much slower.
const LIMIT: Duration = Duration::from_secs(120);

/// A CPU, and what the library must choose on it.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Instruction set.
    pub arch: Arch,
    /// QEMU's CPU model.
    pub cpu: &'static str,
    /// What the guest is told to expect.
    pub args: &'static str,
    /// Number of CPUs.
    pub smp: u32,
}

const fn variant(arch: Arch, cpu: &'static str, args: &'static str) -> Variant {
    Variant {
        arch,
        cpu,
        args,
        smp: 2,
    }
}

impl Variant {
    const fn on_one_cpu(self) -> Self {
        Self { smp: 1, ..self }
    }
}

/// The best CPU of each instruction set, and those that lack something.
pub const VARIANTS: [Variant; 10] = [
    variant(Arch::X86_64, "max", "expect=clwb line=64 icount=1"),
    variant(Arch::X86_64, "max,-clwb", "expect=clflushopt line=64"),
    variant(
        Arch::X86_64,
        "max,-clwb,-clflushopt",
        "expect=clflush line=64",
    )
    .on_one_cpu(),
    variant(Arch::Aarch64, "max", "expect=cvap line=64 icount=1"),
    // No instruction for the point of persistence: refused, unless someone vouches for another.
    variant(
        Arch::Aarch64,
        "cortex-a72",
        "expect=refused inject=cvac line=64",
    )
    .on_one_cpu(),
    variant(Arch::Aarch64, "a64fx", "expect=cvap line=256 icount=1"),
    variant(
        Arch::Riscv64,
        "rv64,zicbom=on,cbom_blocksize=64",
        "expect=zicbom line=64 icount=1",
    ),
    variant(
        Arch::Riscv64,
        "rv64,zicbom=on,cbom_blocksize=32",
        "expect=zicbom line=32",
    ),
    variant(
        Arch::Riscv64,
        "rv64,zicbom=on,cbom_blocksize=128",
        "expect=zicbom line=128",
    ),
    variant(Arch::Riscv64, "rv64,zicbom=off", "expect=refused"),
];

/// Boots the suite on one CPU and judges it.
pub fn run(variant: &Variant, kernel: &Path) -> Result<Suite> {
    let mut suite = Suite::new("bare metal", Some(variant.arch), Some(variant.cpu));
    let mut machine = Machine::new(variant.arch)
        .with_cpu(variant.cpu)
        .with_smp(variant.smp);
    machine.counting = variant.args.contains("icount").then_some(0);
    let (heard, end, image) = hear(&machine, kernel, variant.args, LIMIT)?;
    for case in &heard.cases {
        suite.add(case.clone());
    }
    suite.add(Case::from_result(
        "the run is complete",
        heard.verdict(&end),
    ));
    let lost = heard
        .patterns
        .iter()
        .find_map(|pattern| pattern.check(&image).err());
    if !heard.patterns.is_empty() {
        let name = "what the guest wrote is in the NVDIMM's file";
        suite.add(Case::from_result(name, lost.map_or(Ok(()), Err)));
    }
    if suite.failed > 0 {
        suite.note(format!(
            "the guest's output:\n    {}",
            heard.lines.join("\n    ")
        ));
    }
    Ok(suite)
}

/// Boots a kernel and listens until it ends.
pub(super) fn hear(
    machine: &Machine,
    kernel: &Path,
    args: &str,
    limit: Duration,
) -> Result<(Heard, End, Image)> {
    let image = Image::fresh(DEFAULT_SIZE)?;
    let mut heard = Heard::default();
    let end = Vm::boot(machine, kernel, &image, args)?.run(limit, |line| heard.read(line))?;
    Ok((heard, end, image))
}

/// What a suite printed.
#[derive(Debug, Default)]
pub(super) struct Heard {
    cases: Vec<Case>,
    begun: Vec<String>,
    patterns: Vec<Pattern>,
    closing: Option<[u64; 3]>,
    strange: Option<String>,
    crash: Option<String>,
    lines: Vec<String>,
}

impl Heard {
    /// What it said of each case.
    pub(super) fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Reads one line.
    pub(super) fn read(&mut self, line: Line) {
        let text = line.text.as_str();
        let strange = |why: &str| Some(format!("{why}: {text:?}"));
        if !line.complete {
            self.strange = self.strange.take().or(strange("half a line"));
        } else if self.closing.is_some() {
            self.strange = self
                .strange
                .take()
                .or(strange("a line after the closing one"));
        } else if protocol::is_crash(text) {
            self.crash = self.crash.take().or(Some(text.to_owned()));
        } else if let Some((name, outcome)) = protocol::case(text) {
            let verdict = match outcome {
                Outcome::Ok => Verdict::Passed,
                Outcome::Failed(why) => Verdict::Failed(why),
                Outcome::Skipped(why) => Verdict::Skipped(why),
            };
            self.cases.push(Case {
                name: name.to_owned(),
                verdict,
            });
        } else if let Some(pattern) = Pattern::parse(text) {
            self.patterns.push(pattern);
        } else if let Some(counts) = protocol::closing_line(text) {
            self.closing = Some(counts);
        } else if let Some(name) = protocol::begun(text.trim_end()) {
            self.begun.push(name.to_owned());
        } else if text.starts_with("test ") || text.starts_with("pattern ") {
            self.strange = self.strange.take().or(strange("a garbled line"));
        }
        self.lines.push(line.text);
    }

    /// Whether the guest said all that it should have, and ended as it said.
    pub(super) fn verdict(&self, end: &End) -> Result<(), String> {
        if let Some(crash) = &self.crash {
            return Err(format!("the guest crashed: {crash}"));
        }
        if let Some(strange) = &self.strange {
            return Err(strange.clone());
        }
        let finished = |name: &String| self.cases.iter().any(|case| case.name == *name);
        if let Some(name) = self.begun.iter().find(|name| !finished(name)) {
            return Err(format!("the case {name} has begun and not ended; {end}"));
        }
        let failed = self.count(|verdict| matches!(verdict, Verdict::Failed(_)));
        match end {
            End::Exit(0) if failed == 0 => {}
            End::Exit(1) if failed > 0 => {}
            end => return Err(format!("{end}, with {failed} failed cases")),
        }
        if let End::TimedOut(_) | End::Died(_) = end {
            return Err(end.to_string());
        }
        let Some(closing) = self.closing else {
            return Err("the closing line is missing".to_owned());
        };
        let passed = self.count(|verdict| *verdict == Verdict::Passed);
        let skipped = self.count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        if closing != [passed, failed, skipped] {
            return Err(format!(
                "the guest counted {closing:?}, and {:?} arrived",
                [passed, failed, skipped]
            ));
        }
        if passed == 0 {
            return Err("no case passed: nothing was tested".to_owned());
        }
        Ok(())
    }

    fn count(&self, which: impl Fn(&Verdict) -> bool) -> u64 {
        self.cases
            .iter()
            .filter(|case| which(&case.verdict))
            .count() as u64
    }
}
