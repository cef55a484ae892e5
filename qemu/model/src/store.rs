//! How a store becomes pending: in atomic pieces, at the end of its line's list.

use crate::event::{Cpu, MAX_CPUS, MAX_STORE, Store, StoreOrder};
use crate::pending::{NONE, Pending};
use crate::rules::{self, Stage};
use crate::state::{Flush, STRIDE, State};

impl State {
    pub(crate) fn store(&mut self, store: &Store) {
        let cpu = usize::from(store.cpu) % MAX_CPUS;
        if self.cpus[cpu].before_stores > 0 {
            self.commit_before_stores(cpu);
        }
        // Below the base this wraps, and is beyond the last line then.
        let start = store.addr.wrapping_sub(self.base);
        let non_temporal =
            rules::has_non_temporal(&self.profile) && store.order.has(StoreOrder::NON_TEMPORAL);
        let order = if non_temporal {
            store.order
        } else {
            store.order.without(StoreOrder::NON_TEMPORAL)
        };
        let value = store.value();
        let whole = !non_temporal && self.is_atomic(start, value.len());
        // A number of the instruction's, or of this event's.
        let group = match store.group {
            0 => self.seq,
            number => 1 << 63 | u64::from(number),
        };
        let mut at = 0;
        while at < value.len() {
            let room = if whole {
                MAX_STORE
            } else {
                8 - (start.wrapping_add(at as u64) % 8) as usize
            };
            let len = room.min(value.len() - at);
            self.insert(
                cpu,
                start.wrapping_add(at as u64),
                &value[at..at + len],
                order,
                group,
            );
            at += len;
        }
    }

    /// One atomic piece; else there are as many as aligned 8-byte words.
    fn is_atomic(&self, start: u64, len: usize) -> bool {
        match len {
            16 => self.profile.atom == 16 && start.is_multiple_of(16),
            1..=8 if self.profile.unaligned => {
                let last = start.wrapping_add(len as u64 - 1);
                start >> self.shift == last >> self.shift
            }
            _ => false,
        }
    }

    fn insert(&mut self, cpu: usize, at: u64, value: &[u8], order: StoreOrder, group: u64) {
        let line = (at >> self.shift) as usize;
        if line >= self.lines.len() {
            return;
        }
        let state = &mut self.cpus[cpu];
        state.active = true;
        let mut bytes = [0; MAX_STORE];
        bytes[..value.len()].copy_from_slice(value);
        let node = self.slab.insert(Pending {
            bytes,
            seq: self.seq,
            next: NONE,
            line: line as u32,
            epoch: state.epoch,
            offset: (at & ((1 << self.shift) - 1)) as u8,
            len: value.len() as u8,
            cpu: cpu as Cpu,
            order,
            dropped: 0,
            seen_by: 0,
            missed: false,
            group,
        });
        let entry = &mut self.lines[line];
        if entry.head == NONE {
            entry.head = node;
            entry.dirty = self.dirty.len() as u32;
            self.dirty.push(line as u32);
        } else {
            self.slab.get_mut(entry.tail).next = node;
        }
        entry.tail = node;
        self.show(node);
        let entry = &mut self.lines[line];
        if order.has(StoreOrder::NON_TEMPORAL) {
            entry.non_temporal += 1;
            self.drain_later(cpu, line as u32);
        }
    }

    /// The newest store of its line is what the CPUs see. Where it changes something, a crash may
    /// show what was there before.
    pub(crate) fn show(&mut self, node: u32) {
        let store = self.slab.get(node);
        let line = store.line as usize;
        let at = (line << self.shift) + usize::from(store.offset);
        for (i, byte) in store.value().iter().enumerate() {
            self.unsure[at + i] |= self.live[at + i] != *byte;
            self.live[at + i] = *byte;
        }
        let start = line << self.shift;
        let content = start..start + (1 << self.shift);
        let entry = &mut self.lines[line];
        entry.count += 1;
        if entry.count.is_multiple_of(STRIDE) {
            entry.checkpoints.push((node, self.live[content].to_vec()));
        }
    }

    /// A write-combining store needs no flush: the next fence drains its buffer.
    fn drain_later(&mut self, cpu: usize, line: u32) {
        self.start(Flush {
            cpu,
            line,
            seq: self.seq,
            stage: Stage::STARTED,
            strong: false,
            own: true,
            unseen: Vec::new(),
        });
    }
}
