//! What happens when: a workload is traced, its contract checked, its crash images handed to
//! recovery one by one; and what a kernel says that makes no sense, which is a finding too.

use std::collections::BTreeMap;

use kpmem_model::{Event, FlushKind, Isa, Mark, State, Store, event::Barrier};

use crate::{
    exploration::{Exploration, Handed},
    memory::Memory,
    observed::{Loaded, Observed, Touch},
    options::Options,
    pages::{PAGE, Pages, Place},
    report::{Flaw, Line, Report},
    status::Status,
    trace::Trace,
    tracing::Tracing,
};

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
    /// The last workload that began, and whether any ended.
    workload: u64,
    ended: bool,
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

/// A store as QEMU reports it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Who, where in virtual and in physical memory, what.
    pub touch: Touch<'a>,
    pub virtual_: u64,
    pub pc: u64,
    pub order: kpmem_model::StoreOrder,
    pub group: u32,
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
            workload: 0,
            ended: false,
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
                kind,
                what,
            }));
        }
    }

    /// A store. QEMU gives one that crosses a page the address of its first part; the second one
    /// is looked up.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn store(&mut self, stored: Stored<'_>) {
        let Touch { addr, bytes, .. } = stored.touch;
        let first = bytes.len().min((PAGE - stored.virtual_ % PAGE) as usize);
        self.pages.learn(stored.virtual_, addr);
        self.store_part(stored, addr, &bytes[..first]);
        if first == bytes.len() {
            return;
        }
        let next = stored.virtual_ + first as u64;
        // SAFETY: as the caller vouches.
        match unsafe { self.pages.find(&mut self.memory, next) } {
            Place::Here(addr) => self.store_part(stored, addr, &bytes[first..]),
            Place::Elsewhere => {}
            Place::Unclear => self.unclear(next, "a store that crosses into it"),
        }
    }

    fn store_part(&mut self, stored: Stored<'_>, addr: u64, bytes: &[u8]) {
        let touch = Touch {
            addr,
            bytes,
            ..stored.touch
        };
        let here = self.memory.holds(addr);
        if here {
            self.takes_part(touch.cpu, stored.pc);
        }
        if here && addr >= self.memory.mailbox_at() {
            return self.store_to_mailbox(addr, stored.pc);
        }
        match &mut self.phase {
            Phase::Tracing(tracing) => {
                let store = Store::new(touch.cpu, addr, bytes).with(stored.order);
                let store = here.then(|| store.of_group(stored.group));
                tracing.store(touch, store, stored.pc, &mut self.report);
            }
            Phase::Exploring(_) if here => self.memory.touch(addr, bytes.len()),
            _ => {}
        }
    }

    /// A CPU that was not planned for is not followed.
    fn takes_part(&mut self, cpu: u8, pc: u64) {
        let cpus = self.options.cpus;
        if u32::from(cpu) >= cpus && matches!(self.phase, Phase::Tracing(_)) {
            let what = format!(
                "CPU {cpu} takes part (instruction at {pc:#x}), but the machine was to have \
                 {cpus}: say --smp"
            );
            self.flaw("further CPU", what);
        }
    }

    fn store_to_mailbox(&mut self, addr: u64, pc: u64) {
        let by = match self.phase {
            Phase::Tracing(_) => "the workload",
            Phase::Exploring(_) => "recovery",
            Phase::Idle | Phase::Traced { .. } => return,
        };
        let what = format!(
            "{by} stores to {addr:#x} (instruction at {pc:#x}), which is the mailbox: the last \
             page of the persistent memory is the simulator's"
        );
        self.flaw("mailbox stored to", what);
    }

    fn unclear(&mut self, virtual_: u64, by: &str) {
        let page = virtual_ / PAGE * PAGE;
        let what = format!(
            "where the page at {page:#x} lies in physical memory cannot be told, and there was \
             {by}: say it by the mark mapped"
        );
        self.flaw("unclear page", what);
    }

    /// A load, where several CPUs run. True if it saw a store that another CPU is about to report.
    pub fn load(&mut self, touch: Touch<'_>, pc: u64) -> bool {
        let Phase::Tracing(tracing) = &mut self.phase else {
            return false;
        };
        let Some(observed) = &mut tracing.observed else {
            return false;
        };
        if observed.load(touch) == Loaded::Ahead {
            return true;
        }
        let (cpu, addr, len) = (touch.cpu, touch.addr, touch.bytes.len() as u64);
        let foreign = observed.last_to(addr).is_some_and(|by| by != cpu);
        if foreign && self.memory.tracks(addr, len) && self.options.isa != Isa::X86_64 {
            tracing.push(Event::Reads { cpu, addr, len }, pc, &mut self.report);
        }
        false
    }

    /// A flush of the line at a virtual address.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn flush(&mut self, cpu: u8, virtual_: u64, kind: FlushKind, pc: u64) {
        let Phase::Tracing(_) = self.phase else {
            return;
        };
        // SAFETY: as the caller vouches.
        match unsafe { self.pages.find(&mut self.memory, virtual_) } {
            Place::Here(addr) => {
                self.takes_part(cpu, pc);
                if let Phase::Tracing(tracing) = &mut self.phase {
                    tracing.say_what_is_seen(cpu, pc, &mut self.report);
                    tracing.push(Event::Flush { cpu, addr, kind }, pc, &mut self.report);
                }
            }
            Place::Elsewhere => {}
            Place::Unclear => self.unclear(virtual_, "a flush in it"),
        }
    }

    /// A barrier.
    pub fn barrier(&mut self, cpu: u8, barrier: Barrier, pc: u64) {
        if let Phase::Tracing(tracing) = &mut self.phase {
            if let Some(observed) = &mut tracing.observed {
                observed.barrier(cpu, barrier);
            }
            tracing.push(Event::Barrier { cpu, barrier }, pc, &mut self.report);
        }
    }

    /// Zeroes of `dc zva`, which QEMU does not report.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn zero(&mut self, cpu: u8, virtual_: u64, pc: u64) {
        let block = self.options.zva;
        let start = virtual_ / block as u64 * block as u64;
        // SAFETY: as the caller vouches.
        let place = unsafe { self.pages.find(&mut self.memory, start) };
        let Place::Here(addr) = place else {
            if place == Place::Unclear {
                self.unclear(start, "a dc zva in it");
            }
            return;
        };
        for (i, bytes) in vec![0; block].chunks(16).enumerate() {
            let offset = (i * 16) as u64;
            let touch = Touch {
                cpu,
                addr: addr + offset,
                bytes,
                ordered: false,
            };
            let stored = Stored {
                touch,
                virtual_: start + offset,
                pc,
                order: kpmem_model::StoreOrder::PLAIN,
                group: 0,
            };
            self.store_part(stored, addr + offset, bytes);
        }
    }

    /// A workload begins: what memory holds is durable.
    pub fn begin(&mut self, cpu: u8, id: u64, pc: u64) {
        let trace = match std::mem::replace(&mut self.phase, Phase::Idle) {
            // The memory of a trace that nobody needs any more serves the next one.
            Phase::Traced { trace, .. } => trace.emptied(),
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
        let initial = self.memory.bytes().to_vec();
        let state = self.fresh(&initial);
        let observed = (self.options.cpus > 1).then(|| Observed::new(self.options.isa));
        let mut tracing =
            Tracing::new(initial, state, observed, trace).of_copies(self.options.words);
        let mark = Mark::Begin { id };
        tracing.push(Event::Mark { cpu, mark }, pc, &mut self.report);
        self.phase = Phase::Tracing(Box::new(tracing));
    }

    /// A workload ends.
    pub fn end(&mut self, cpu: u8, pc: u64) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Tracing(mut tracing) => {
                let mark = Mark::End;
                tracing.push(Event::Mark { cpu, mark }, pc, &mut self.report);
                tracing.finish(&self.memory, &mut self.report);
                self.ended = true;
                let Tracing { initial, trace, .. } = *tracing;
                Phase::Traced { initial, trace }
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
        if self.options.alone() {
            for &(addr, len) in &places {
                tracing.compare(&self.memory, addr, len, &mut self.report);
            }
        }
        tracing.claim(cpu, id, &places, pc, &mut self.report);
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
                let state = self.fresh(&initial);
                self.memory.reset(initial);
                let exploration = Exploration::new(state, trace, self.options.explore);
                Phase::Exploring(Box::new(exploration))
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
        match exploration.next(&mut self.memory, self.options.skip) {
            Some(Handed { id, context }) => {
                let answer = [MAGIC, 1, context.begin, context.claims, context.last_claim];
                self.memory.mailbox(answer);
                self.status.recovering(exploration.taken(), id);
                self.phase = Phase::Exploring(exploration);
            }
            None => {
                self.memory.mailbox([MAGIC, 0, 0, 0, 0]);
                exploration.finish(&self.options.images, &mut self.report);
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
        exploration.judge(
            code,
            self.options.samples,
            &mut self.memory,
            &mut self.report,
        );
    }

    /// QEMU ends.
    pub fn exit(&mut self) {
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
                        "the kernel ended when it had crash image {id}, the {taken}th, without a \
                         verdict on it: does it look for the mailbox at {:#x}, the last page of \
                         the persistent memory?",
                        self.memory.mailbox_at()
                    ),
                    None => format!(
                        "the kernel ended after {taken} crash images, and did not ask for the rest"
                    ),
                };
                self.flaw("unfinished", what);
            }
        }
    }
}

const MAGIC: u64 = kpmem_marks::Mailbox::MAGIC;
