//! What the kernel says.

use kpmem_findings::Line;
use kpmem_model::{Event, Mark, State};

use super::{Phase, Session, schedules::Schedules};
use crate::{
    exploration::{Exploration, Handed, Start},
    nested::Nesting,
    observed::Observed,
    options::Options,
    pages::{PAGE, Place},
    points,
    schedule::Run,
    trace::Trace,
    tracing::Tracing,
};

pub(super) const MAGIC: u64 = kpmem_marks::Mailbox::MAGIC;

impl Session {
    /// A workload begins: what memory holds is durable.
    pub fn begin(&mut self, cpu: u8, id: u64, pc: u64) {
        let trace = match std::mem::replace(&mut self.phase, Phase::Idle) {
            // The memory of a trace that nobody needs any more serves the next one.
            Phase::Traced { trace, .. } => {
                if self.schedules.is_none() {
                    self.unasked.get_or_insert(self.workload);
                }
                trace.emptied()
            }
            Phase::Idle => Trace::default(),
            Phase::Tracing(_) => {
                let before = self.workload;
                let what = format!("workload {id} begins, and workload {before} has not ended");
                self.flaw("begin before end", what);
                Trace::default()
            }
            exploring => {
                self.phase = exploring;
                let what = format!("recovery says that workload {id} begins: it must not");
                return self.flaw("begin in recovery", what);
            }
        };
        self.workload = id;
        self.points = 0;
        let initial = self.memory.copy();
        self.begin_schedule(&initial);
        let state = self.fresh(&initial);
        let observed = (self.options.cpus > 1).then(|| Observed::new(self.options.isa));
        let mut tracing =
            Tracing::new(initial, state, observed, trace).of_copies(self.options.words);
        let mark = Mark::Begin { id };
        tracing.push(Event::Mark { cpu, mark }, pc, &mut self.report);
        self.phase = Phase::Tracing(Box::new(tracing));
    }

    /// A workload ends; `run` is its schedule's, if it has one.
    pub fn end(&mut self, cpu: u8, pc: u64, run: Option<Run>) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Tracing(mut tracing) => {
                let mark = Mark::End;
                tracing.push(Event::Mark { cpu, mark }, pc, &mut self.report);
                tracing.finish(&self.memory, &mut self.report);
                self.ended = true;
                let Tracing { initial, trace, .. } = *tracing;
                if self.end_schedule(run, &trace) {
                    Phase::Traced { initial, trace }
                } else {
                    Phase::Idle
                }
            }
            other => {
                self.phase = other;
                let what = "a workload ends that has not begun".to_owned();
                return self.flaw("end before begin", what);
            }
        };
    }

    /// Crash images are wanted of this moment.
    pub fn crash_point(&mut self, cpu: u8, pc: u64) {
        if let Phase::Tracing(tracing) = &mut self.phase {
            let mark = Mark::CrashPoint;
            tracing.push(Event::Mark { cpu, mark }, pc, &mut self.report);
            if self.options.points {
                self.points += 1;
                let images = &self.options.images;
                let state = &tracing.state;
                let kept = points::keep(state, &self.memory, self.workload, self.points, images);
                // A full disk must not pass for a clean run.
                self.report
                    .write(&Line::Point(kept.expect("an image can be written")));
            }
            self.status.claimed();
        } else {
            let what = "a crash point lies outside of begin and end".to_owned();
            self.flaw("crash point outside", what);
        }
    }

    /// The kernel says that bytes at a virtual address are durable.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn claim(&mut self, cpu: u8, virtual_: u64, len: u64, id: u64, pc: u64) {
        let Phase::Tracing(_) = self.phase else {
            let what = format!("claim {id} lies outside of begin and end: nothing checks it");
            return self.flaw("claim outside", what);
        };
        // SAFETY: as the caller vouches.
        let Some(places) = (unsafe { self.places(virtual_, len, id) }) else {
            return;
        };
        let Phase::Tracing(tracing) = &mut self.phase else {
            return;
        };
        // Where other CPUs run, one may have stored and not reported it yet.
        if self.options.alone() || self.schedules.is_some() {
            for &(addr, len) in &places {
                tracing.compare(&self.memory, addr, len, &mut self.report);
            }
        }
        tracing.claim(cpu, id, &places, pc, &mut self.report);
        self.status.claimed();
    }

    /// Where the bytes of a claim lie, page by page; `None` and a flaw where they are not tracked.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    unsafe fn places(&mut self, virtual_: u64, len: u64, id: u64) -> Option<Vec<(u64, u64)>> {
        let mut places: Vec<(u64, u64)> = Vec::new();
        let outside = |session: &mut Self, why: &str| {
            let what = format!(
                "claim {id} says that {len} bytes at {virtual_:#x} are durable, {why}: nothing \
                 checks it"
            );
            session.flaw("claim of other memory", what);
        };
        if len > self.memory.len() as u64 || virtual_.checked_add(len).is_none() {
            outside(self, "more than the persistent memory has");
            return None;
        }
        let mut done = 0;
        while done < len {
            let at = virtual_ + done;
            let part = (PAGE - at % PAGE).min(len - done);
            // SAFETY: as the caller vouches.
            match unsafe { self.pages.find(&mut self.memory, at) } {
                Place::Here(addr) if self.memory.tracks(addr, part) => match places.last_mut() {
                    Some((start, len)) if *start + *len == addr => *len += part,
                    _ => places.push((addr, part)),
                },
                Place::Here(_) => {
                    outside(self, "and the mailbox is among them");
                    return None;
                }
                Place::Elsewhere => {
                    outside(
                        self,
                        &format!("which are not in the persistent memory at {at:#x}"),
                    );
                    return None;
                }
                Place::Unclear => {
                    self.unclear(at, "a claim of bytes in it");
                    return None;
                }
            }
            done += part;
        }
        Some(places)
    }

    /// The kernel says where pages lie.
    pub fn mapped(&mut self, virtual_: u64, physical: u64, len: u64) {
        if !virtual_.is_multiple_of(PAGE) || !physical.is_multiple_of(PAGE) || len > 1 << 40 {
            let what = format!(
                "the mark mapped names {len} bytes at {virtual_:#x} and {physical:#x}: not pages"
            );
            return self.flaw("mapped", what);
        }
        for at in (0..len).step_by(PAGE as usize) {
            self.pages
                .learn(virtual_.wrapping_add(at), physical.wrapping_add(at));
        }
    }

    fn fresh(&self, initial: &[u8]) -> State {
        let Options {
            profile,
            line,
            base,
            ..
        } = self.options;
        State::new(profile, line, base, initial)
    }

    /// Recovery asks for the next crash image.
    pub fn next_crash(&mut self) {
        if !self.ended {
            let what = "a crash image is asked for before any workload has ended".to_owned();
            self.flaw("crash image too early", what);
        }
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Traced { initial, trace } => {
                self.asked = true;
                self.memory.reset(initial.clone());
                let Options {
                    profile,
                    line,
                    base,
                    ..
                } = self.options;
                let Options {
                    nested,
                    only,
                    without,
                    ..
                } = &self.options;
                let start = Start {
                    profile,
                    line,
                    base,
                    initial,
                    nesting: Nesting::new(*nested, *only, without),
                };
                let exploration = Exploration::new(start, trace, self.options.explore.clone());
                Phase::Exploring(Box::new(exploration.until(self.options.enough)))
            }
            other => other,
        };
        let Phase::Exploring(mut exploration) = std::mem::replace(&mut self.phase, Phase::Idle)
        else {
            return self.memory.mailbox([MAGIC, 0, 0, 0, 0]);
        };
        if let Some(id) = exploration.handed() {
            let what = format!(
                "crash image {id} was handed out, and recovery asks for the next one without a \
                 verdict on it"
            );
            self.flaw("no verdict", what);
        }
        self.memory.undo();
        match exploration.next(&mut self.memory) {
            Some(Handed { name, context }) => {
                let answer = [MAGIC, 1, context.begin, context.claims, context.last_claim];
                self.memory.mailbox(answer);
                self.status.recovering(exploration.before(), name);
                self.phase = Phase::Exploring(exploration);
            }
            None => {
                self.memory.mailbox([MAGIC, 0, 0, 0, 0]);
                let prefix = self.image_prefix();
                exploration.finish(&self.options.images, &prefix, &mut self.report);
            }
        }
    }

    /// Recovery says what it found.
    pub fn verdict(&mut self, code: u64) {
        let Phase::Exploring(exploration) = &mut self.phase else {
            let what = format!("the verdict {code} is about no crash image");
            return self.flaw("verdict on nothing", what);
        };
        if exploration.handed().is_none() {
            let what = format!("the verdict {code} comes after another one on the same image");
            return self.flaw("verdict on nothing", what);
        }
        self.status.recovered();
        self.memory.undo();
        let first = self.schedules.as_ref().is_none_or(Schedules::is_first);
        let samples = if first { self.options.samples } else { 0 };
        exploration.judge(code, samples, &mut self.memory, &mut self.report);
    }
}
