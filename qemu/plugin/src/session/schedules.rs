//! A workload that is run again and again, each time under another schedule.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Instant,
};

use super::{Session, marks::MAGIC};
use crate::{
    report::SHOWN,
    schedule::{self, Limits, Plan, Run, Schedule},
    trace::Trace,
};
use kpmem_findings::{Line, Schedules as Summed};

/// The schedules of the workload at hand.
#[derive(Debug)]
pub struct Schedules {
    limits: Limits,
    /// The workload has begun, for the first time or again.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    plan: Plan,
    /// What memory held when it first began.
    initial: Vec<u8>,
    /// Hashes of what happened.
    traces: HashSet<u64>,
    started: Instant,
    /// Failures that were written before this run, and runs that had some.
    failures: u64,
    failed: u64,
}

impl Schedules {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            current: None,
        }
    }

    /// Whether this is the workload's first run.
    pub fn is_first(&self) -> bool {
        self.current.as_ref().is_none_or(|it| it.plan.run <= 1)
    }
}

impl Session {
    /// The schedule of the run that begins.
    pub fn schedule(&self) -> Option<Schedule> {
        let current = self.schedules.as_ref()?.current.as_ref()?;
        Some(current.plan.schedule().clone())
    }

    pub(super) fn begin_schedule(&mut self, memory: &[u8]) {
        let Some(schedules) = &mut self.schedules else {
            return;
        };
        let mut differs = false;
        let limits = &schedules.limits;
        let current = match &mut schedules.current {
            Some(current) => {
                differs = current.initial != memory;
                current
            }
            none => none.insert(Current {
                plan: Plan::new(limits.clone()),
                initial: memory.to_vec(),
                traces: HashSet::new(),
                started: Instant::now(),
                failures: self.report.failures(),
                failed: 0,
            }),
        };
        self.report.release(true);
        self.report.hold();
        let name = current.plan.schedule().to_string();
        self.report.write(&Line::Schedule(name));
        if differs {
            let what = format!(
                "workload {} begins again, and the persistent memory is not what it was at its \
                 first begin: what the kernel stores before begin must be the same each time",
                self.workload
            );
            self.flaw("begins differently", what);
        }
    }

    /// The workload has ended. Whether the run is unlike all before, and so worth exploring.
    pub(super) fn end_schedule(&mut self, run: Option<Run>, trace: &Trace) -> bool {
        let Some(Schedules {
            current: Some(current),
            ..
        }) = &mut self.schedules
        else {
            return true;
        };
        let mut hasher = DefaultHasher::new();
        trace.events.hash(&mut hasher);
        let new = current.traces.insert(hasher.finish());
        self.report.release(new);
        let schedule = current.plan.schedule().to_string();
        let odd = run.and_then(|run| schedule::words(|words| current.plan.ran(run, words)));
        if let Some(odd) = odd {
            let what = format!(
                "under schedule {schedule} workload {} {odd}: before begin the kernel must put \
                 all that it uses in memory back to what it was at its first begin",
                self.workload
            );
            self.flaw("not the same again", what);
        }
        new
    }

    /// The kernel asks whether the workload is to be run again.
    pub fn again(&mut self) -> bool {
        self.leave("the kernel asked whether to run again");
        let more = self.next_schedule();
        let answer = [MAGIC, more.into(), 0, 0, 0];
        self.memory.mailbox(answer);
        more
    }

    fn next_schedule(&mut self) -> bool {
        let Some(schedules) = &mut self.schedules else {
            return false;
        };
        let Some(mut current) = schedules.current.take() else {
            let what = "the kernel asks whether to run again, and has not begun".to_owned();
            self.flaw("again before begin", what);
            return false;
        };
        let failures = self.report.failures();
        current.failed += u64::from(failures > current.failures);
        current.failures = failures;
        if current.failed >= SHOWN {
            current.plan.stop();
        }
        let more = schedule::words(|words| current.plan.next(words));
        if more {
            self.memory.reset(current.initial.clone());
            schedules.current = Some(current);
        } else {
            schedule::words(schedule::Words::clear);
            self.report.write(&Line::Schedules(Summed {
                workload: self.workload,
                run: current.plan.run,
                distinct: current.traces.len() as u64,
                left_out: current.plan.left_out,
                seconds: current.started.elapsed().as_secs_f64(),
            }));
        }
        more
    }

    /// What kept images of this run are called.
    pub(super) fn image_prefix(&self) -> String {
        self.schedule()
            .map_or_else(String::new, |it| format!("{it}-"))
    }

    /// The kernel ends: it must have run all schedules.
    pub(super) fn check_schedules(&mut self) {
        let Some(schedules) = &self.schedules else {
            return;
        };
        let what = match &schedules.current {
            Some(current) => format!(
                "the kernel ended after {} of workload {}'s schedules: after each run it must ask \
                 whether to run again (kpmem_marks::again, kpmem_again in C)",
                current.plan.run, self.workload
            ),
            None => return,
        };
        self.flaw("not run again", what);
    }
}
