//! What the CPUs do to memory.

use kpmem_model::{Event, FlushKind, Isa, Store, StoreOrder, event::Barrier};

use super::{Phase, Session};
use crate::{
    observed::{Loaded, Touch},
    pages::{PAGE, Place},
};

/// A store as QEMU reports it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Who, where in virtual and in physical memory, what.
    pub touch: Touch<'a>,
    pub virtual_: u64,
    pub pc: u64,
    pub order: StoreOrder,
    pub group: u32,
}

impl Session {
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
            Phase::Exploring(exploration) if here => {
                self.memory.touch(addr, bytes.len());
                if self.options.nested && exploration.handed().is_none() {
                    let what = format!(
                        "recovery stores to {addr:#x} (instruction at {:#x}) when it has given its \
                         verdict: no crash was tried there, so it must say its verdict last",
                        stored.pc
                    );
                    return self.flaw("store after verdict", what);
                }
                exploration.stored(addr, bytes.len());
                let store = Store::new(touch.cpu, addr, bytes).with(stored.order);
                exploration.note(Event::Store(store.of_group(stored.group)), stored.pc);
            }
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

    /// An instruction is translated, whose address is one of the persistent memory, too: if the
    /// same bytes are there, it is executed from it.
    pub fn executes(&mut self, pc: u64, bytes: &[u8]) {
        let tracked = self.memory.tracks(pc, bytes.len() as u64);
        if matches!(self.phase, Phase::Idle) || !tracked || self.file(pc, bytes.len()) != bytes {
            return;
        }
        let what = format!(
            "the instruction at {pc:#x} lies in the persistent memory: what a crash leaves of code \
             is not simulated"
        );
        self.flaw("code in persistent memory", what);
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

    pub(super) fn unclear(&mut self, virtual_: u64, by: &str) {
        let page = virtual_ / PAGE * PAGE;
        let what = format!(
            "where the page at {page:#x} lies in physical memory cannot be told, and there was \
             {by}: say it by the mark mapped"
        );
        self.flaw("unclear page", what);
    }

    /// Recovery loads bytes. Of a load that crosses a page QEMU gives the address of its first
    /// part.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn recovery_loads(&mut self, virtual_: u64, addr: u64, len: usize) {
        let Phase::Exploring(exploration) = &mut self.phase else {
            return;
        };
        if !exploration.is_watched() {
            return;
        }
        let first = len.min((PAGE - virtual_ % PAGE) as usize);
        if self.memory.tracks(addr, first as u64) {
            exploration.read(addr, first, &self.memory);
        }
        if first == len {
            return;
        }
        // SAFETY: as the caller vouches.
        let next = unsafe { self.pages.find(&mut self.memory, virtual_ + first as u64) };
        match next {
            Place::Here(addr) if self.memory.tracks(addr, (len - first) as u64) => {
                exploration.read(addr, len - first, &self.memory);
            }
            _ => {}
        }
    }

    /// Whether all that recovery loads must be seen.
    pub fn watches_recovery(&self) -> bool {
        matches!(&self.phase, Phase::Exploring(exploration) if exploration.is_watched())
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
        let foreign = observed.is_foreign(cpu, addr);
        if foreign && self.memory.tracks(addr, len) && self.options.isa != Isa::X86_64 {
            tracing.push(Event::Reads { cpu, addr, len }, pc, &mut self.report);
        }
        false
    }

    /// A load saw what no reported store has left: nothing is known of these words any more.
    pub fn forget(&mut self, touch: Touch<'_>) {
        if let Phase::Tracing(tracing) = &mut self.phase
            && let Some(observed) = &mut tracing.observed
        {
            observed.forget(touch);
        }
    }

    /// A flush of the line at a virtual address.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn flush(&mut self, cpu: u8, virtual_: u64, kind: FlushKind, pc: u64) {
        match &self.phase {
            Phase::Tracing(_) => {}
            Phase::Exploring(exploration) if exploration.is_noted() => {}
            _ => return,
        }
        // SAFETY: as the caller vouches.
        match unsafe { self.pages.find(&mut self.memory, virtual_) } {
            Place::Here(addr) => {
                self.takes_part(cpu, pc);
                let event = Event::Flush { cpu, addr, kind };
                match &mut self.phase {
                    Phase::Tracing(tracing) => {
                        tracing.say_what_is_seen(cpu, pc, &mut self.report);
                        tracing.push(event, pc, &mut self.report);
                    }
                    Phase::Exploring(exploration) => exploration.note(event, pc),
                    _ => {}
                }
            }
            Place::Elsewhere => {}
            Place::Unclear => self.unclear(virtual_, "a flush in it"),
        }
    }

    /// A barrier.
    pub fn barrier(&mut self, cpu: u8, barrier: Barrier, pc: u64) {
        let event = Event::Barrier { cpu, barrier };
        match &mut self.phase {
            Phase::Tracing(tracing) => {
                if let Some(observed) = &mut tracing.observed {
                    observed.barrier(cpu, barrier);
                }
                tracing.push(event, pc, &mut self.report);
            }
            Phase::Exploring(exploration) => exploration.note(event, pc),
            _ => {}
        }
    }

    /// Zeroes of `dc zva`, which QEMU does not report.
    ///
    /// # Safety
    /// Only from a vCPU's callback.
    pub unsafe fn zero(&mut self, cpu: u8, virtual_: u64, pc: u64) {
        if matches!(self.phase, Phase::Idle | Phase::Traced { .. }) {
            return;
        }
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
                order: StoreOrder::PLAIN,
                group: 0,
            };
            self.store_part(stored, addr + offset, bytes);
        }
    }
}
