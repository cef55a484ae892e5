//! What happens when: a workload is traced, its contract checked, its crash images handed to
//! recovery one by one; and what a kernel says that makes no sense, which is a finding too.

mod events;
mod marks;
mod schedules;

use std::collections::BTreeMap;

use crate::{
    exploration::Exploration, memory::Memory, options::Options, pages::Pages, report::Report,
    status::Status, trace::Trace, tracing::Tracing,
};
use kpmem_findings::{Flaw, Line};

pub use events::Stored;
use schedules::Schedules;

/// Flaws of one kind that are written; the rest of them say nothing new.
const FLAWS: u32 = 4;

/// The plugin's whole state.
#[derive(Debug)]
pub struct Session {
    pub options: Options,
    pages: Pages,
    memory: Memory,
    report: Report,
    status: Status,
    phase: Phase,
    /// Where a workload is run under many schedules.
    schedules: Option<Schedules>,
    /// The last workload that began, and whether any ended.
    workload: u64,
    ended: bool,
    /// Whether recovery ever asked for crash images, and the first workload of which it did not.
    asked: bool,
    unasked: Option<u64>,
    /// Crash points of the workload.
    points: u64,
    /// How many flaws there were of each kind.
    flaws: BTreeMap<&'static str, u32>,
}

#[derive(Debug)]
enum Phase {
    /// No workload: stores count as durable.
    Idle,
    Tracing(Box<Tracing>),
    /// A workload ended; recovery may ask for its crash images.
    Traced {
        initial: Vec<u8>,
        trace: Trace,
    },
    Exploring(Box<Exploration>),
}

impl Session {
    /// Opens the files that the options name.
    pub fn new(options: Options) -> Result<Self, String> {
        Ok(Self {
            memory: Memory::open(&options.image, options.base, options.line)?,
            report: Report::create(&options.report)?,
            status: Status::create(&options.status)?,
            pages: Pages::new(options.alone()),
            phase: Phase::Idle,
            schedules: options.schedules.clone().map(Schedules::new),
            workload: 0,
            ended: false,
            asked: false,
            unasked: None,
            points: 0,
            flaws: BTreeMap::new(),
            options,
        })
    }

    /// Bytes of the file, with the mailbox.
    pub fn len(&self) -> usize {
        self.memory.file().len()
    }

    /// What the file holds now.
    pub fn file(&self, addr: u64, len: usize) -> &[u8] {
        let start = (addr - self.options.base) as usize;
        &self.memory.file()[start..start + len]
    }

    /// Something that a correct kernel doesn't do, or that leaves the simulator blind.
    fn flaw(&mut self, kind: &'static str, what: String) {
        let count = self.flaws.entry(kind).or_default();
        *count += 1;
        if *count <= FLAWS {
            self.report.write(&Line::Flaw(Flaw {
                workload: self.workload,
                kind: kind.to_owned(),
                what,
            }));
        }
    }

    /// QEMU ends.
    pub fn exit(&mut self) {
        self.report.release(true);
        if matches!(self.phase, Phase::Traced { .. }) {
            self.unasked.get_or_insert(self.workload);
        }
        self.leave("the kernel ended");
        self.check_schedules();
        // A kernel without recovery is one thing; a workload that was left out is another.
        if let Some(id) = self.unasked.filter(|_| self.asked) {
            let what = format!(
                "recovery asked for crash images, and never for those of workload {id}: all of a \
                 workload are to be tried before the next one begins"
            );
            self.flaw("not asked for", what);
        }
    }

    /// Nothing more comes of the workload: `why` it is over is said if it is not.
    fn leave(&mut self, why: &str) {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle | Phase::Traced { .. } => {}
            Phase::Tracing(_) => {
                let what = format!(
                    "workload {} has not ended: nothing was checked",
                    self.workload
                );
                self.flaw("unfinished", what);
            }
            Phase::Exploring(mut exploration) => {
                exploration.give_up(&mut self.memory, &mut self.report);
                let taken = exploration.taken();
                let what = match exploration.handed() {
                    Some(id) => format!(
                        "{why} when it had crash image {id}, the {taken}th, without a verdict on \
                         it: does it look for the mailbox at {:#x}, the last page of the \
                         persistent memory?",
                        self.memory.mailbox_at()
                    ),
                    None => {
                        format!("{why} after {taken} crash images, and did not ask for the rest")
                    }
                };
                self.flaw("unfinished", what);
            }
        }
    }
}
